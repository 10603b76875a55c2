"""The web app: a visitor draws or uploads a picture and sees what a model says, how sure it is, and where it looked."""
