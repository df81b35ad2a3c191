// What surrounds htmx: lost connections, ended logins, and what a screen reader hears of a change.

const LOST = "live-lost";
const isPoll = (element) => (element.getAttribute("hx-trigger") || "").includes("every");
let openDetails = [];
let ticked = [];
let said = "";
let wasAtEnd = true;
let scrolledTo = 0;

function lost(words) {
  if (document.getElementById(LOST)) return;
  const note = document.createElement("p");
  note.id = LOST;
  note.className = "note note-warning";
  note.textContent = words;
  document.getElementById("live-note").append(note);
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
  openDetails = [...target.querySelectorAll("details[open][id]")].map((details) => details.id);
  ticked = [...target.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value);
  said = target.querySelector("[data-say]")?.dataset.say ?? target.dataset.say ?? "";
  const tail = document.querySelector("[data-tail]");
  scrolledTo = tail?.scrollTop ?? 0;
  wasAtEnd = !tail || tail.scrollHeight - tail.scrollTop - tail.clientHeight < 40;
});

document.addEventListener("htmx:afterSettle", (event) => {
  for (const id of openDetails) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  const element = event.detail.elt;
  for (const box of element.querySelectorAll("input[type=checkbox]")) {
    if (ticked.includes(box.value)) box.checked = true;
  }
  const now = (element.matches("[data-say]") ? element : element.querySelector("[data-say]"))?.dataset.say;
  if (now && now !== said) document.getElementById("said").textContent = now;
  const tail = document.querySelector("[data-tail]");
  if (tail) tail.scrollTop = wasAtEnd ? tail.scrollHeight : scrolledTo;
});

addEventListener("DOMContentLoaded", () => {
  const tail = document.querySelector("[data-tail]");
  if (tail) tail.scrollTop = tail.scrollHeight;
});
