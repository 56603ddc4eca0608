// What a page does beyond being read: light or dark, search, copy buttons. Reading needs none of it.
"use strict";
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const root = document.documentElement;

// ---- Light and dark: the system's choice until the reader makes one.
const isDark = () =>
  root.dataset.theme === "dark" ||
  (root.dataset.theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
const mode = document.querySelector(".bar .mode");
const nameMode = () => { mode.title = isDark() ? "Light page" : "Dark page"; mode.setAttribute("aria-label", mode.title); };
mode.hidden = false;
mode.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* private mode: for this page only */ }
  nameMode();
});
nameMode();

// ---- Copy buttons.
function offerCopy(block) {
  if (!navigator.clipboard || block.closest(".cell_output")) return;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(block.querySelector("pre").textContent.trimEnd());
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  block.append(button);
}
(window.requestIdleCallback ?? setTimeout)(() => all("article div.highlight").forEach(offerCopy));

// ---- What scrolls can be scrolled by keyboard. A box reports when it is first laid out, and when it changes.
const scrollers = new ResizeObserver((boxes) => {
  for (const { target } of boxes) {
    if (target.scrollWidth > target.clientWidth + 1) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
for (const box of all("article .scroll, article pre")) scrollers.observe(box);

// ---- Folded text opens for whoever follows a link into it, and for the printer.
const unfoldTarget = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let fold = target && target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
};
addEventListener("hashchange", unfoldTarget);
unfoldTarget();
addEventListener("beforeprint", () => all("article details").forEach((fold) => { fold.open = true; }));

// ---- On this page: mark the section in view; the drawer closes when a section is chosen.
document.querySelector("nav.page")?.addEventListener("click", (event) => {
  if (event.target.closest("a") && event.currentTarget.matches(":popover-open")) event.currentTarget.hidePopover();
});
const places = new Map(all("nav.page a[href^='#']").map((link) => [link.hash.slice(1), link]));
const seen = new IntersectionObserver((changes) => {
  for (const { isIntersecting, target } of changes) {
    if (!isIntersecting) continue;
    for (const link of places.values()) link.removeAttribute("aria-current");
    places.get(target.parentElement.id)?.setAttribute("aria-current", "true");
  }
}, { rootMargin: "-10% 0px -70% 0px" });
for (const heading of all("article section > :is(h2, h3)")) if (places.has(heading.parentElement.id)) seen.observe(heading);
document.querySelector("nav.book .current > a")?.setAttribute("aria-current", "page");

// ---- Search: one entry per section and per term of the glossary.
const GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau upsilon phi chi psi omega".split(" ");
// Greek letters count as their names, marks and case do not count.
const normal = (text) => text.toLowerCase().normalize("NFD").replace(/\p{M}/gu, "")
  .replace(/[α-ω]/g, (letter) => GREEK[letter.charCodeAt(0) - 945])
  .replace(/[^\p{L}\p{N}]+/gu, " ").trim();

function score(entry, wanted, words) {
  const title = ` ${entry.normalTitle} `, text = ` ${entry.normalText} `;
  let points = entry.term ? 5 : 0;
  if (title === ` ${wanted} `) points += 100;
  else if (title.includes(` ${wanted} `)) points += 40;
  else if (text.includes(` ${wanted} `)) points += 15;
  for (const word of words) {
    if (title.includes(` ${word}`)) points += 12;
    else if (text.includes(` ${word} `)) points += 4;
    else if (text.includes(` ${word}`)) points += 2;
    else return 0;
  }
  return points;
}

function shown(entry, base, words) {
  const item = document.createElement("li"), link = document.createElement("a"), where = document.createElement("small");
  link.href = base + entry.url;
  link.textContent = entry.title;
  where.textContent = entry.page === entry.title ? "" : entry.page;
  const found = entry.text.toLowerCase().indexOf(words[0]) - 50;
  const start = found > 0 ? entry.text.indexOf(" ", found) + 1 : 0;
  const extract = document.createElement("p");
  extract.textContent = (start ? "... " : "") + entry.text.slice(start, start + 150) + (entry.text.length > start + 150 ? " ..." : "");
  link.append(where);
  item.append(link, extract);
  return item;
}

function searching(box) {
  const input = box.querySelector("input"), list = box.querySelector(".results"), status = box.querySelector(".status");
  const base = list.dataset.index.replace(/search\.json$/, "");
  let entries;
  const load = async () => {
    if (entries) return;
    const found = await (await fetch(list.dataset.index)).json();
    entries = found.map((entry) => ({ ...entry, normalTitle: normal(entry.title), normalText: normal(entry.text) }));
  };
  const search = async () => {
    await load();
    const wanted = normal(input.value), words = wanted.split(" ").filter(Boolean);
    const hits = words.length ? entries.map((entry) => [score(entry, wanted, words), entry]).filter(([points]) => points) : [];
    hits.sort(([a], [b]) => b - a);
    list.replaceChildren(...hits.slice(0, 20).map(([, entry]) => shown(entry, base, words)));
    const count = hits.length === 1 ? "1 place" : `${hits.length} places`;
    status.textContent = words.length ? (hits.length ? count : "Nothing found. A shorter word may help.") : "";
  };
  input.addEventListener("input", search);
  box.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    list.querySelector("a")?.click();
  });
  return { input, search };
}

const dialog = document.querySelector("dialog.search");
if (dialog) {
  const { input } = searching(dialog);
  const open = (event) => { event.preventDefault(); if (!dialog.open) dialog.showModal(); input.select(); };
  document.querySelector(".bar .find").addEventListener("click", open);
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if ((event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !typing)) open(event);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest(".close, .results a")) dialog.close();
  });
} else {
  const { input, search } = searching(document.querySelector("section.search"));
  input.value = new URLSearchParams(location.search).get("q") ?? "";
  input.addEventListener("input", () => history.replaceState(null, "", `?q=${encodeURIComponent(input.value)}`));
  input.focus();
  search();
}
