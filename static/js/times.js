// Keeps <time data-ago> fresh. The words are those of deployments/templatetags/barista.py.

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
// The server's clock decides: a laptop whose clock is off must not say "in 3 min" of the past.
const skew = Number(document.body.dataset.now) * 1000 - Date.now();

function relative(moment, now) {
  const seconds = Math.trunc((now - moment) / 1000);
  const distance = Math.abs(seconds);
  if (distance < 5) return "just now";
  const [unit, name] = UNITS.find(([size]) => distance >= size);
  const words = `${Math.floor(distance / unit)} ${name}`;
  return seconds > 0 ? `${words} ago` : `in ${words}`;
}

function refresh() {
  const now = Date.now() + skew;
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const words = relative(Date.parse(time.dateTime), now);
    if (time.textContent !== words) time.textContent = words;
  }
}

setInterval(refresh, 5000);
document.addEventListener("visibilitychange", refresh);
document.addEventListener("barista:heard", refresh);
addEventListener("pageshow", (event) => event.persisted && refresh());
