"use strict";

let seconds = [];
let here = 0;
let corners = [];

function count(decision) {
  return seconds.filter((second) => second.decision === decision).length;
}

function show() {
  const second = seconds[here];
  byId("number").textContent = second.number;
  byId("decision").textContent = second.decision;
  byId("decision").className = second.decision;
  if (document.activeElement !== byId("label")) byId("label").value = second.label;
  byId("place").textContent = `${here + 1} of ${seconds.length}`;
  byId("counts").textContent = `${count("keep")} kept, ${count("drop")} dropped, ${count("undecided")} undecided`;
  byId("picture").src = `picture/${second.number}?${Date.now()}`;
  byId("strip").replaceChildren(...seconds.map((other, index) => {
    const button = document.createElement("button");
    button.textContent = other.number;
    button.className = `${other.decision}${index === here ? " here" : ""}`;
    button.addEventListener("click", () => go(index));
    return button;
  }));
  draw();
}

function draw() {
  const shape = document.createElementNS("http://www.w3.org/2000/svg", corners.length > 2 ? "polygon" : "polyline");
  shape.setAttribute("points", corners.map((corner) => corner.join(",")).join(" "));
  byId("drawing").replaceChildren(shape);
}

function go(index) {
  here = Math.min(Math.max(index, 0), seconds.length - 1);
  corners = [];
  show();
}

function say(text) {
  byId("message").textContent = text;
}

async function change(values) {
  try {
    seconds = await post("change", { number: seconds[here].number, ...values });
    say("");
  } catch (error) {
    say(error.message);
  }
}

async function decide(decision) {
  await change({ decision });
  go(here + 1);
}

async function correct(mode) {
  if (corners.length < 3) {
    say("click at least three corners of a polygon first");
    return;
  }
  await change({ polygons: [...seconds[here].polygons, { points: corners, mode }] });
  corners = [];
  show();
}

async function restore() {
  await change({ polygons: [] });
  corners = [];
  show();
}

async function write() {
  say("writing");
  try {
    const written = await post("write", {});
    const rest = written.left_over ? `; ${written.left_over} kept seconds are in no clip: it takes five in a row` : "";
    say(`wrote ${written.clips.length} clips: ${written.clips.map(([name, split]) => `${name} (${split})`).join(", ")}${rest}`);
  } catch (error) {
    say(error.message);
  }
}

const KEYS = {
  k: () => decide("keep"), d: () => decide("drop"), l: () => byId("label").focus(), w: write,
  a: () => correct("add"), x: () => correct("remove"), o: () => correct("only"), r: restore,
  ArrowLeft: () => go(here - 1), ArrowRight: () => go(here + 1),
  Backspace: () => { corners.pop(); draw(); }, Escape: () => { corners = []; draw(); },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target === byId("label")) return;
  const act = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
byId("label").addEventListener("keydown", async (event) => {
  if (event.key !== "Enter" && event.key !== "Escape") return;
  event.preventDefault();
  const label = byId("label").value;
  byId("label").blur();
  if (event.key === "Enter") await change({ label });
  show();
});
byId("stage").addEventListener("click", (event) => {
  const box = byId("picture").getBoundingClientRect();
  const inside = (value) => Math.min(Math.max(value, 0), 1);
  corners.push([inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)]);
  draw();
});
byId("write").addEventListener("click", write);

async function begin() {
  seconds = await (await fetch("seconds")).json();
  const first = seconds.findIndex((second) => second.decision === "undecided");
  go(first < 0 ? 0 : first);
}
begin();
