// The form of a spec: marks that CSS cannot set, and a login that ended while somebody was typing.

function markInvalid() {
  for (const slot of document.querySelectorAll(".err-slot")) {
    const input = document.getElementById(slot.id.replace(/_error$/, ""));
    if (!input?.matches("input, select")) continue;
    if (slot.firstElementChild) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
}
document.addEventListener("htmx:afterSettle", markInvalid);

// The server reads so much and no more: a form above it would be refused unread, and what was typed would go with it.
function isTooLarge(form) {
  const size = new URLSearchParams(new FormData(form)).toString().length;
  const most = Number(form.dataset.most);
  document.getElementById("too-large")?.remove();
  if (size <= most) return false;
  const note = document.createElement("div");
  note.id = "too-large";
  note.className = "note note-warning";
  note.setAttribute("role", "alert");
  const [is, can] = [size, most].map((bytes) => (bytes / 1048576).toFixed(1));
  note.textContent = `This form holds ${is} MB, and at most ${can} MB can be sent. Nothing was sent and nothing is lost: make its longest value shorter, or read it from a ConfigMap.`;
  document.getElementById("live-note").append(note);
  return true;
}
// On the way down: whoever counts it as sent must see that it is not.
document.addEventListener(
  "submit",
  (event) => {
    if (event.target.matches("[data-spec-form]") && isTooLarge(event.target)) event.preventDefault();
  },
  { capture: true },
);
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = event.target.closest("[data-spec-form]");
  if (form && isTooLarge(form)) event.preventDefault();
});

// What was typed must outlive the login: say it here instead of reloading the page.
document.addEventListener(
  "htmx:beforeSwap",
  (event) => {
    const address = event.detail.xhr.responseURL;
    if (!event.target.closest("[data-spec-form]") || !address || !new URL(address).pathname.startsWith("/login")) return;
    event.detail.shouldSwap = false;
    event.stopImmediatePropagation();
    askForLogin();
  },
  true,
);

function askForLogin() {
  if (document.getElementById("login-ended")) return;
  const note = document.createElement("div");
  note.id = "login-ended";
  note.className = "note note-warning";
  note.setAttribute("role", "alert");
  const words = document.createElement("span");
  const link = document.createElement("a");
  link.href = "/login/";
  link.target = "_blank";
  link.textContent = "Log in again in another tab";
  words.append("Your login has ended. What you typed is still here. ", link, ", then come back to this one.");
  note.append(words);
  document.getElementById("live-note").append(note);
  addEventListener("focus", renew);
}

// A new login has a new token; the form takes it over, so that nothing has to be typed twice.
async function renew() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || new URL(answer.url).pathname.startsWith("/login")) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("input[name=csrfmiddlewaretoken]")?.value;
  if (!token) return;
  for (const input of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) input.value = token;
  document.body.setAttribute("hx-headers", JSON.stringify({ "X-CSRFToken": token }));
  document.getElementById("login-ended")?.remove();
  removeEventListener("focus", renew);
}
