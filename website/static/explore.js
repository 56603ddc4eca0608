// The explorers of a page. Every frame was drawn while the book was built (helpers/explore/page.py);
// this shows the one the reader asks for, says what is seen in it, and keeps it in the address.
"use strict";

const SETTLED = 300; // ms without a change before it is announced and the address follows

function attach(root) {
  const find = (selector) => root.querySelector(selector);
  const fieldset = find("fieldset"), image = find("img"), status = find("[role=status]");
  const values = find(".explorer-values"), link = find(".explorer-link");
  const fields = [...fieldset.querySelectorAll("input, select")];
  const start = fields.map((field) => field.value);

  let table; // read when first needed: most of a page's weight is here
  const data = () => (table ??= JSON.parse(find("script").textContent));

  function show() {
    const { controls, drawings, shown, alts } = data();
    let frame = 0;
    const texts = fields.map((field, k) => {
      const { label, texts } = controls[k];
      frame = frame * texts.length + Number(field.value);
      if (field.type === "range") {
        field.setAttribute("aria-valuetext", texts[field.value]);
        field.nextElementSibling.textContent = texts[field.value];
      }
      return `${label}: ${texts[field.value]}`;
    });
    image.src = "data:image/svg+xml," + encodeURIComponent(drawings[shown[frame]]);
    image.alt = alts[frame];
    values.textContent = texts.join(", ");
    const url = address();
    url.hash = root.id;
    link.href = url;
  }

  // The address of what is shown: ?explore-how-far=depth:20,activation:tanh; nothing at the start.
  function address() {
    const url = new URL(location);
    const setting = fields.map((field, k) => `${field.name}:${data().controls[k].tokens[field.value]}`);
    url.searchParams.delete(root.id);
    if (fields.some((field, k) => field.value !== start[k])) {
      url.searchParams.set(root.id, setting.join(","));
    }
    url.search = url.search.replaceAll("%3A", ":").replaceAll("%2C", ",");
    return url;
  }

  function settle() {
    history.replaceState(history.state, "", address());
    status.textContent = image.alt;
  }

  // Take over what the address says; whatever it does not say, or says wrongly, is at its start.
  function restore() {
    const said = new URLSearchParams(location.search).get(root.id);
    if (said === null && !table) return;
    const wanted = new Map((said ?? "").split(",").map((part) => part.split(":")));
    fields.forEach((field, k) => {
      const place = data().controls[k].tokens.indexOf(wanted.get(field.name));
      field.value = place < 0 ? start[k] : place;
    });
    show();
  }

  let timer;
  fieldset.addEventListener("input", () => {
    show();
    clearTimeout(timer);
    timer = setTimeout(settle, SETTLED);
  });
  addEventListener("popstate", restore);
  restore();
  fieldset.disabled = false;
}

document.querySelectorAll(".explorer").forEach(attach);
