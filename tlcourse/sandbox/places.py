"""Where things lie inside the sandbox, and who lives there."""

from __future__ import annotations

USER = "learner"
UID = 1000
"""The one user and group inside. Nothing inside belongs to another."""

STRANGERS = 0x7000_0000
"""Where root opens the sandbox, that user is outside a number above this one that no one else has: it owns no file, and
what the kernel counts for each user (pipes, watches, pending signals) is not shared with another sandbox."""

HOME = f"/home/{USER}"
WORK = f"{HOME}/work"
"""The writable working folder, in which the body starts."""
CACHE = f"{HOME}/.cache/tlcourse"
"""Where `Plan.cache` is seen: the course's own default place in that home."""
SOCKETS = "/run/sockets"
"""Where `Plan.sockets` is seen until the sandbox is sealed."""
