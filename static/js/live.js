// What surrounds htmx: lost connections, ended logins, and what a screen reader hears of a change.

const LOST = "live-lost";
const isPoll = (element) => (element.getAttribute("hx-trigger") || "").includes("every");
let kept = null;
let said = "";
let wasAtEnd = true;
let scrolledTo = 0;

// What somebody is doing on the page and a swap would undo. A swap may replace parts anywhere (out of band), so the
// whole page is looked at. An answer to a form says itself what its fields hold: only a poll gets them back.
function keep(poll) {
  const active = document.activeElement;
  kept = {
    poll,
    open: [...document.querySelectorAll("details[open][id]")].map((details) => details.id),
    checked: new Set([...document.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.name + box.value)),
    typed: [...document.querySelectorAll("input[id]:not([type=checkbox])")]
      .filter((input) => input.value !== input.defaultValue)
      .map((input) => [input.id, input.value]),
    aside: [...document.querySelectorAll(".scroll[aria-label]")]
      .filter((box) => box.scrollLeft)
      .map((box) => [box.ariaLabel, box.scrollLeft]),
    active,
    place: active?.matches("a:not([id]), button:not([id]), input:not([id]), .scroll:not([id])") ? place(active) : null,
  };
}

// htmx finds the focus again by id; the hundred links of a list have none, so they are known by what they lead to.
function place(element) {
  const name = ["href", "value", "name", "aria-label"].find((attribute) => element.getAttribute(attribute));
  if (!name) return null;
  const selector = `${element.localName}[${name}="${CSS.escape(element.getAttribute(name))}"]`;
  return { selector, at: [...document.querySelectorAll(selector)].indexOf(element) };
}

function restore(element) {
  for (const id of kept.open) document.getElementById(id)?.setAttribute("open", "");
  for (const [label, left] of kept.aside) {
    const box = document.querySelector(`.scroll[aria-label="${CSS.escape(label)}"]`);
    if (box) box.scrollLeft = left;
  }
  if (kept.place && !kept.active.isConnected) {
    document.querySelectorAll(kept.place.selector)[kept.place.at]?.focus({ preventScroll: true });
  }
  if (!kept.poll) return;
  for (const [id, value] of kept.typed) {
    const input = document.getElementById(id);
    if (input && element.contains(input)) input.value = value;
  }
  for (const box of element.querySelectorAll("input[type=checkbox]")) {
    if (kept.checked.has(box.name + box.value)) box.checked = true;
  }
}

function lost(words) {
  if (document.getElementById(LOST)) return;
  const note = document.createElement("p");
  note.id = LOST;
  note.className = "note note-warning";
  note.textContent = words;
  document.getElementById("live-note").append(note);
}

// What a poll brought last, by its address: with its validator the server answers 304 while nothing is new.
const shown = new Map();

document.addEventListener("htmx:configRequest", (event) => {
  const tag = isPoll(event.detail.elt) && shown.get(addressOf(event.detail));
  if (tag) event.detail.headers["If-None-Match"] = tag;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const { xhr, elt, requestConfig } = event.detail;
  if (xhr.status === 304) hearAgain(xhr);
  // Anything else that was swapped in may have changed what the last poll showed.
  else if (!isPoll(elt)) shown.clear();
  else if (xhr.status === 200 && xhr.getResponseHeader("ETag")) shown.set(addressOf(requestConfig), xhr.getResponseHeader("ETag"));
});

const addressOf = ({ verb, path }) => `${verb} ${path}`;

// Of a quiet page only this changes: when its clusters were last heard.
function hearAgain(xhr) {
  for (const pair of (xhr.getResponseHeader("Barista-Heard") ?? "").split(" ").filter(Boolean)) {
    const [key, instant] = pair.split("=");
    for (const time of document.querySelectorAll(`time[data-heard="${CSS.escape(key)}"]`)) time.dateTime = instant;
  }
  document.dispatchEvent(new Event("barista:heard"));
}

document.addEventListener("htmx:beforeRequest", (event) => {
  // Nobody looks at a hidden tab: skip the poll, the next one after its return catches up.
  if (document.hidden && isPoll(event.detail.elt)) event.preventDefault();
});
document.addEventListener("htmx:sendError", () => {
  lost(`Barista does not answer. This page shows what was known at ${new Date().toLocaleTimeString()}; it goes on by itself.`);
});
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 403) lost("This page is out of date, or your rights have changed. Reload it.");
  else if (status === 404) lost("This is gone, or no longer yours to see. Reload the page.");
  else lost(`Updating failed (${status}). What is shown may be old; the page tries again by itself.`);
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, target } = event.detail;
  // A login that ended answers a fragment's request with the login page: show it as a page.
  if (xhr.responseURL && new URL(xhr.responseURL).pathname.startsWith("/login")) {
    event.detail.shouldSwap = false;
    location.reload();
    return;
  }
  if (xhr.status < 400) document.getElementById(LOST)?.remove();
  keep(isPoll(event.detail.requestConfig.elt));
  said = target.querySelector("[data-say]")?.dataset.say ?? target.dataset.say ?? "";
  const tail = document.querySelector("[data-tail]");
  scrolledTo = tail?.scrollTop ?? 0;
  wasAtEnd = !tail || tail.scrollHeight - tail.scrollTop - tail.clientHeight < 40;
});

document.addEventListener("htmx:afterSettle", (event) => {
  const element = event.detail.elt;
  if (kept) restore(element);
  const now = (element.matches("[data-say]") ? element : element.querySelector("[data-say]"))?.dataset.say;
  if (now && now !== said) document.getElementById("said").textContent = now;
  const tail = document.querySelector("[data-tail]");
  if (tail) tail.scrollTop = wasAtEnd ? tail.scrollHeight : scrolledTo;
});

addEventListener("DOMContentLoaded", () => {
  const tail = document.querySelector("[data-tail]");
  if (tail) tail.scrollTop = tail.scrollHeight;
});
