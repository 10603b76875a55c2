"use strict";

const paper = document.getElementById("paper");
const pen = paper.getContext("2d");
const buttons = { ask: document.getElementById("ask"), clear: document.getElementById("clear") };
const file = document.getElementById("file");
const STROKE = 22; // of 336: about 3 of the model's 48 pixels, as the strokes that it learned from
const STEP = 12; // pixels that an arrow key moves the pen
let drawn = false;

// ---- drawing: mouse, finger and pen are all pointers; arrow keys move a pen of their own ----

const hand = { x: paper.width / 2, y: paper.height / 2, down: false };

function blank() {
  pen.fillStyle = "#ffffff";
  pen.fillRect(0, 0, paper.width, paper.height);
  drawn = false;
  hand.down = false;
  paper.setAttribute("aria-label", "Drawing area, empty");
}

function line(from, to) {
  pen.strokeStyle = "#111111";
  pen.lineWidth = STROKE;
  pen.lineCap = pen.lineJoin = "round";
  pen.beginPath();
  pen.moveTo(from.x, from.y);
  pen.lineTo(to.x, to.y);
  pen.stroke();
  mark();
}

// A line without length leaves no mark, however thick.
function dot(at) {
  pen.fillStyle = "#111111";
  pen.beginPath();
  pen.arc(at.x, at.y, STROKE / 2, 0, 2 * Math.PI);
  pen.fill();
  mark();
}

function mark() {
  if (!drawn) paper.setAttribute("aria-label", "Drawing area with a drawing");
  drawn = true;
}

function place(event) {
  const box = paper.getBoundingClientRect();
  const scale = paper.width / box.width;
  return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
}

const strokes = new Map(); // one for each finger

paper.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  paper.setPointerCapture(event.pointerId);
  const start = place(event);
  strokes.set(event.pointerId, start);
  dot(start);
});
paper.addEventListener("pointermove", (event) => {
  const last = strokes.get(event.pointerId);
  if (!last) return;
  const now = place(event);
  line(last, now);
  strokes.set(event.pointerId, now);
});
for (const end of ["pointerup", "pointercancel"]) {
  paper.addEventListener(end, (event) => strokes.delete(event.pointerId));
}

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

paper.addEventListener("keydown", (event) => {
  if (event.key === "Enter") {
    event.preventDefault();
    askDrawing();
  } else if (event.key === " ") {
    event.preventDefault();
    hand.down = !hand.down;
    if (hand.down) dot(hand);
    tell(hand.down ? "Pen down." : "Pen up.");
  } else if (MOVES[event.key]) {
    event.preventDefault();
    const [across, down] = MOVES[event.key];
    const from = { x: hand.x, y: hand.y };
    hand.x = Math.min(paper.width, Math.max(0, hand.x + STEP * across));
    hand.y = Math.min(paper.height, Math.max(0, hand.y + STEP * down));
    if (hand.down) line(from, hand);
  }
});

// ---- asking ----

const problem = document.getElementById("problem");
const verdict = document.getElementById("verdict");
const classes = document.getElementById("classes");
const seen = document.getElementById("seen");

function tell(text) {
  verdict.textContent = text;
}

function refuse(text) {
  problem.textContent = text;
  problem.hidden = false;
  tell("No answer.");
}

function forget() {
  problem.hidden = true;
  classes.replaceChildren();
  seen.hidden = true;
}

async function ask(picture) {
  forget();
  tell("Asking …");
  buttons.ask.disabled = true;
  try {
    const reply = await fetch("/answer", { method: "POST", body: picture });
    const said = await reply.json();
    if (reply.ok) await show(said);
    else refuse(`${said.message} ${said.cure}`);
  } catch {
    refuse("The app cannot be reached. Is it still running?");
  } finally {
    buttons.ask.disabled = false;
  }
}

function askDrawing() {
  if (!drawn) {
    forget();
    refuse("The drawing area is empty. Draw something first, or upload a picture.");
    return;
  }
  paper.toBlob(ask, "image/png");
}

const percent = (share) => `${Math.round(100 * share)} %`;

async function show(said) {
  const [best] = said.classes;
  tell(said.sure ? `${best.name}, ${percent(best.confidence)} sure`
    : `Not sure: perhaps ${best.name}, ${percent(best.confidence)}`);
  for (const { name, confidence } of said.classes) {
    const item = document.createElement("li");
    const meter = document.createElement("meter");
    meter.max = 1;
    meter.value = confidence;
    meter.setAttribute("aria-label", `${name}: ${percent(confidence)}`);
    const label = document.createElement("span");
    label.textContent = name;
    const share = document.createElement("span");
    share.textContent = percent(confidence);
    item.append(label, share, meter);
    classes.append(item);
  }
  await showWhere(said, best.name);
}

// ---- what it looked at: the model's own small picture, bright where the evidence lies, dim elsewhere ----

const looked = document.getElementById("looked");

async function showWhere(said, name) {
  const image = new Image();
  image.src = said.picture;
  await image.decode();
  const brush = looked.getContext("2d");
  brush.imageSmoothingEnabled = false;
  brush.drawImage(image, 0, 0, looked.width, looked.height);
  let words = "The picture as the model got it.";
  if (said.looked) {
    shade(brush, said.looked);
    words = `The picture as the model got it; blue where it found what speaks for ${name}: mostly in ${said.where}.`;
  }
  looked.setAttribute("aria-label", words);
  document.getElementById("caption").textContent = words;
  seen.hidden = false;
}

function shade(brush, map) {
  const small = document.createElement("canvas");
  small.width = map[0].length;
  small.height = map.length;
  const cells = small.getContext("2d").createImageData(small.width, small.height);
  map.flat().forEach((share, i) => cells.data.set([0, 114, 178, Math.round(190 * share)], 4 * i));
  small.getContext("2d").putImageData(cells, 0, 0);
  brush.imageSmoothingEnabled = true;
  brush.drawImage(small, 0, 0, looked.width, looked.height);
}

buttons.ask.addEventListener("click", askDrawing);
buttons.clear.addEventListener("click", () => {
  blank();
  forget();
  file.value = "";
  tell("Nothing asked yet.");
  paper.focus();
});
file.addEventListener("change", () => {
  if (file.files.length) ask(file.files[0]);
});
blank();
