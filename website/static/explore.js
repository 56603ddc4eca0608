// The explorers of a page. Every frame was drawn while the book was built (helpers/explore/frames.py);
// this shows the one the reader asks for, says what is seen in it, and keeps it in the address.
// The drawings are loaded when the reader comes near; a script, not fetch(): it works from files.
"use strict";

const SETTLED = 300; // ms without a change before it is announced and the address follows

function attach(root) {
  const find = (selector) => root.querySelector(selector);
  const fieldset = find("fieldset"), image = find("img"), status = find("[role=status]");
  const values = find(".explorer-values"), link = find(".explorer-link");
  const fields = [...fieldset.querySelectorAll("input, select")];
  const start = fields.map((field) => field.value);

  const { controls, shown, alts } = JSON.parse(find(".explorer-table").textContent);

  let loading, drawings, frame, chosen, moved = false;
  const load = () => (loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = root.dataset.drawings;
    script.onload = () => resolve(drawings = script.drawings);
    script.onerror = () => {
      loading = undefined; // the next move tries again
      reject(new Error(`${script.src} did not load`));
    };
    document.head.append(script);
  }));

  function draw() {
    image.src = "data:image/svg+xml," + encodeURIComponent(drawings[shown[frame]]);
    image.alt = alts[frame];
    values.textContent = chosen;
    root.classList.remove("explorer-failed");
    root.ariaBusy = null;
  }

  function apologize() {
    status.textContent = "The drawing did not load. With a connection, move a control again.";
    root.classList.add("explorer-failed");
    root.ariaBusy = null;
  }

  function show() {
    moved = true;
    frame = 0;
    const texts = fields.map((field, k) => {
      const { label, texts } = controls[k];
      frame = frame * texts.length + Number(field.value);
      if (field.type === "range") {
        field.setAttribute("aria-valuetext", texts[field.value]);
        field.nextElementSibling.textContent = texts[field.value];
      }
      return `${label}: ${texts[field.value]}`;
    });
    chosen = texts.join(", ");
    const url = address();
    url.hash = root.id;
    link.href = url;
    if (drawings) return draw();
    root.ariaBusy = true;
    load().then(draw, apologize);
  }

  // The address of what is shown: ?explore-how-far=depth:20,activation:tanh; nothing at the start.
  function address() {
    const url = new URL(location);
    const setting = fields.map((field, k) => `${field.name}:${controls[k].tokens[field.value]}`);
    url.searchParams.delete(root.id);
    if (fields.some((field, k) => field.value !== start[k])) {
      url.searchParams.set(root.id, setting.join(","));
    }
    url.search = url.search.replaceAll("%3A", ":").replaceAll("%2C", ",");
    return url;
  }

  function settle() {
    history.replaceState(history.state, "", address());
    load().then(() => {
      draw();
      status.textContent = image.alt;
    }, apologize);
  }

  // Take over what the address says; whatever it does not say, or says wrongly, is at its start.
  function restore() {
    const said = new URLSearchParams(location.search).get(root.id);
    if (said === null && !moved) return;
    const wanted = new Map((said ?? "").split(",").map((part) => part.split(":")));
    fields.forEach((field, k) => {
      const place = controls[k].tokens.indexOf(wanted.get(field.name));
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
  const near = new IntersectionObserver((seen) => {
    if (!seen.some((entry) => entry.isIntersecting)) return;
    near.disconnect();
    load().catch(() => {}); // whoever moves a control will hear of it
  }, { rootMargin: "100%" });
  near.observe(root);
}

document.querySelectorAll(".explorer").forEach(attach);
