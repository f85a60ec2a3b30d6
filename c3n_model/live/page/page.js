"use strict";

const REASONS = {
  "sounding": "something in view sounds",
  "silent": "the second is too quiet",
  "unsure": "nothing that has a source is heard surely enough",
  "not in view": "heard, but its source is not seen",
  "filtered": "it sounds, but its class is not among those to show",
};
const MOTIONS = {
  "": "no two objects of a kind are in view",
  "unclear": "unclear: all stay",
  "chosen": "one moves in time with the sound",
};
const LOWEST_DBFS = -60;
const MINUTE = 60;

const percent = (value) => `${Math.round(100 * Math.min(Math.max(value, 0), 1))}%`;
const loudnessPart = (dbfs) => Math.min(Math.max(1 - dbfs / LOWEST_DBFS, 0), 1);
const cssName = (reason) => reason.replaceAll(" ", "-");

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function showBars(id, rows) {
  const bars = rows.map(([name, value]) => {
    const bar = element("div");
    bar.style.setProperty("--part", percent(value));
    bar.title = name;
    bar.append(element("span", name), element("span", value.toFixed(2)));
    return bar;
  });
  byId(id).replaceChildren(...(bars.length ? bars : [element("span", "none", "none")]));
}

function showObjects(second) {
  const video = byId("video"), frame = byId("frame").getBoundingClientRect(), box = video.getBoundingClientRect();
  const scale = Math.min(box.width / (video.naturalWidth || 1), box.height / (video.naturalHeight || 1));
  const width = video.naturalWidth * scale, height = video.naturalHeight * scale;
  const left = box.left - frame.left + (box.width - width) / 2, top = box.top - frame.top + (box.height - height) / 2;
  byId("objects").replaceChildren(...second.objects.map((object) => {
    const motion = object.motion === null ? "" : `, motion ${object.motion.toFixed(2)}`;
    const tag = element("span", `${object.label} ${object.score.toFixed(2)}${object.id ? ` #${object.id}` : ""}${motion}`);
    tag.style.left = `${left + object.box[0] * width}px`;
    tag.style.top = `${Math.max(top + object.box[1] * height - 20, 0)}px`;
    return tag;
  }));
}

function showMotion(second) {
  const cause = second.motion_cause ? ` (${second.motion_cause})` : "";
  byId("motion-text").textContent = byId("motion").checked ? MOTIONS[second.motion] + cause : "";
}

function showSecond(second) {
  const heard = second.reason === "sounding" || second.reason === "not in view" || second.reason === "filtered";
  byId("label").textContent = heard ? second.named.map((pair) => pair.join(" ~ ")).join(" + ") : second.reason;
  byId("scores").textContent = heard
    ? `heard ${second.audio_score.toFixed(2)}  seen ${second.visual_score.toFixed(2)}  agree ${second.consensus.toFixed(2)}`
    : "";
  const reason = byId("reason");
  reason.textContent = second.reason;
  reason.className = `reason ${cssName(second.reason)}`;
  byId("reason-text").textContent =
    `${REASONS[second.reason]}; audible ${second.presence.toFixed(2)}, ${second.loudness_dbfs.toFixed(0)} dBFS`;
  showMotion(second);
  showBars("pairs", second.pairs.map(([audio, visual, value]) => [`${audio} ~ ${visual}`, value]));
  showBars("heard", second.heard);
  showBars("seen", second.seen);
  showObjects(second);
}

const seconds = [];

function showTimeline() {
  const newest = seconds.length ? Math.round(seconds[seconds.length - 1].start_s) : 0;
  const bySecond = new Map(seconds.map((second) => [Math.round(second.start_s), second]));
  const bars = [];
  for (let at = newest - MINUTE + 1; at <= newest; at += 1) {
    const second = bySecond.get(at);
    const bar = element("i", undefined, second ? cssName(second.reason) : "none");
    if (second) {
      bar.style.height = percent(Math.max(loudnessPart(second.loudness_dbfs), 0.05));
      bar.title = `${new Date(1000 * second.start_s).toLocaleTimeString()}  ${second.reason}  ${second.audio} ~ ${second.visual}`;
    }
    bars.push(bar);
  }
  byId("timeline").replaceChildren(...bars);
}

function showSettings(settings) {
  const slider = byId("threshold");
  if (document.activeElement !== slider) slider.value = settings.threshold;
  byId("threshold-value").textContent = Number(slider.value).toFixed(2);
  if (document.activeElement !== byId("sources")) byId("sources").value = settings.max_sources;
  byId("motion").checked = settings.compare_motion;
  const shown = [...byId("classes").children].map((button) => button.dataset.name);
  if (shown.join("\n") === settings.classes.join("\n")) return;
  byId("classes").replaceChildren(...settings.classes.map((name) => {
    const button = element("button", `${name} ×`);
    button.dataset.name = name;
    button.title = `stop showing only ${name}`;
    button.addEventListener("click", () => changeClasses(settings.classes.filter((other) => other !== name)));
    return button;
  }));
}

let classes = [];
let about = null;

async function loadAbout() {
  about = await (await fetch("about")).json();
  byId("feeds").textContent = about.feeds.join(" + ");
  byId("note").textContent = about.note;
  byId("labels").replaceChildren(...about.labels.map((label) => {
    const option = element("option");
    option.value = label;
    return option;
  }));
}

function onState(state) {
  byId("status").textContent = state.status + (state.dropped ? `, ${state.dropped} s dropped so far: the network was too slow for them` : "");
  byId("problems").replaceChildren(...state.problems.map((problem) => element("li", problem)));
  if (state.level_dbfs !== undefined) {
    byId("meter-bar").style.width = percent(loudnessPart(state.level_dbfs));
    byId("level").textContent = state.level_dbfs <= -120 ? "no sound arrives" : `${state.level_dbfs.toFixed(0)} dBFS`;
  }
  if (state.settings) {
    classes = state.settings.classes;
    showSettings(state.settings);
    if (!about || !about.labels.length) loadAbout();
  }
  if (state.seconds.length) {
    seconds.push(...state.seconds);
    seconds.splice(0, Math.max(seconds.length - 2 * MINUTE, 0));
    showSecond(seconds[seconds.length - 1]);
    showTimeline();
  }
}

async function changeClasses(names) {
  byId("class-error").textContent = "";
  try {
    showSettings(await post("settings", { classes: names }));
    byId("class").value = "";
  } catch (error) {
    byId("class-error").textContent = error.message;
  }
}

async function changeSources(change) {
  byId("sources-error").textContent = "";
  try {
    showSettings(await post("settings", change));
  } catch (error) {
    byId("sources-error").textContent = error.message;
  }
}

async function saveBag() {
  const button = byId("save");
  button.disabled = true;
  byId("saved").textContent = "saving";
  try {
    const saved = await post("bag", {});
    byId("saved").replaceChildren(`${saved.seconds} s in `, element("code", saved.path));
  } catch (error) {
    byId("saved").textContent = error.message;
  }
  button.disabled = false;
}

function listen() {
  const events = new EventSource("events");
  events.onopen = () => {
    seconds.length = 0;
    byId("video").src = `video?${Date.now()}`;
  };
  events.onmessage = (event) => onState(JSON.parse(event.data));
  events.onerror = () => { byId("status").textContent = "c3n live has ended; start it again"; };
}

byId("threshold").addEventListener("input", (event) => {
  byId("threshold-value").textContent = Number(event.target.value).toFixed(2);
});
byId("threshold").addEventListener("change", (event) => post("settings", { threshold: Number(event.target.value) }));
byId("class-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("class").value.trim();
  if (name) changeClasses([...classes, name]);
});
byId("sources").addEventListener("change", (event) => changeSources({ max_sources: Number(event.target.value) }));
byId("motion").addEventListener("change", (event) => changeSources({ compare_motion: event.target.checked }));
byId("save").addEventListener("click", saveBag);
loadAbout();
listen();
