// Comforts on top of pages that work without script: the search key, menus, copying, dialogs, clickable rows.

const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target)) {
    const box = document.getElementById("jump");
    if (box) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  }
  if (event.key === "Escape") {
    const menu = event.target.closest("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
});

// Ticking many rows at once, and how many are selected.
function countTicked() {
  const words = document.querySelector("[data-selected]");
  if (!words) return;
  const selected = document.querySelectorAll("tbody input[type=checkbox]:checked").length;
  words.textContent = selected ? `With ${selected} selected` : "With selected";
}
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) {
    const boxes = event.target.closest("table").querySelectorAll("tbody input[type=checkbox]");
    for (const box of boxes) box.checked = event.target.checked;
  }
  countTicked();
});
document.addEventListener("htmx:afterSettle", countTicked);

async function copy(button) {
  const source = button.dataset.copyFrom && document.querySelector(button.dataset.copyFrom);
  try {
    await navigator.clipboard.writeText(source ? source.textContent : button.dataset.copy);
  } catch {
    // Browsers refuse the clipboard on plain http: select the text, so that one key copies it.
    if (source) getSelection().selectAllChildren(source);
    return say("Copying is blocked here. Select the text and press Ctrl+C.");
  }
  return say("Copied");
}

function say(words) {
  document.getElementById("said").textContent = words;
}

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const button = event.target.closest("button");
  if (button?.matches("[data-copy], [data-copy-from]")) copy(button);
  if (button?.matches("[data-dismiss]")) button.closest(".note").remove();
  if (button?.matches("[data-dialog]")) document.querySelector(button.dataset.dialog).showModal();
  if (button?.matches("[data-close]")) button.closest("dialog").close();

  // The whole row opens its link, unless the click meant something else or text was being selected.
  const row = event.target.closest("tr[data-row]");
  if (row && !event.target.closest("a, button, input, label, summary") && String(getSelection()) === "") {
    const link = row.querySelector("a.name");
    if (event.ctrlKey || event.metaKey) open(link.href);
    else link.click();
  }
});

// One submission a form: the server refuses doubles too, this only saves the person the surprise.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) event.preventDefault();
  else form.dataset.sent = "true";
});
// A page that comes back from the browser's cache has not been sent.
addEventListener("pageshow", (event) => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  // Logging in made its token old.
  if (event.persisted && document.querySelector("[data-reload-on-return]")) location.reload();
});
