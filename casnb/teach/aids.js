// Aids on the page of a notebook: a word of the glossary shows its meaning under the pointer, with the
// focus and at a tap; a hash and a solution have a button that copies them. Texts stay as they are:
// only buttons are put into them, so that a page without this script lacks nothing but the aids.
const TEXTS = ".jp-MarkdownOutput, .jp-OutputArea-output .casnb";
const OUT = "code, pre, a, button, summary, svg, h1, h2, h3, h4, th, caption, label, dfn, .casnb-tip, .words";

function meanings(words) {
  let list = document.getElementById("casnb-words");
  if (!list) {
    list = Object.assign(document.createElement("div"), { id: "casnb-words", hidden: true });
    document.body.append(list);
  }
  const bySpelling = new Map();
  for (const word of words) {
    const id = `casnb-word-${word.name}`;
    let said = document.getElementById(id);
    if (!said) {
      said = Object.assign(document.createElement("span"), { id });
      list.append(said);
    }
    said.textContent = word.meaning;
    for (const spelling of word.spellings) bySpelling.set(spelling, { ...word, id });
  }
  return bySpelling;
}

function pattern(bySpelling) {
  const all = [...bySpelling.keys()].sort((a, b) => b.length - a.length);
  const safe = all.map((s) => s.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`(?<![\\w./=-])(?:${safe.join("|")})(?![\\w/=-]|\\.\\w)`, "g");
}

const tip = (() => {
  let box, hiding;
  const make = () => {
    box = Object.assign(document.createElement("div"), { className: "casnb-tip", hidden: true });
    box.addEventListener("mouseenter", () => clearTimeout(hiding));
    box.addEventListener("mouseleave", () => hide());
    document.body.append(box);
  };
  const hide = (after = 0) => {
    clearTimeout(hiding);
    hiding = setTimeout(() => { if (box) box.hidden = true; }, after);
  };
  const show = (button, word) => {
    if (!box || !box.isConnected) make();
    clearTimeout(hiding);
    box.replaceChildren(
      Object.assign(document.createElement("strong"), { textContent: word.term }),
      `: ${word.meaning}`);
    box.hidden = false;
    const at = button.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, window.innerWidth - box.offsetWidth - 8));
    const below = at.bottom + box.offsetHeight + 12 < window.innerHeight;
    box.style.left = `${left}px`;
    box.style.top = `${below ? at.bottom + 4 : at.top - box.offsetHeight - 4}px`;
  };
  return { show, hide };
})();

function button(word, text) {
  const made = Object.assign(document.createElement("button"), {
    type: "button", className: "casnb-term", textContent: text });
  made.dataset.term = word.term;
  made.setAttribute("aria-describedby", word.id);
  for (const event of ["mouseenter", "focus", "click"])
    made.addEventListener(event, () => tip.show(made, word));
  made.addEventListener("blur", () => tip.hide());
  made.addEventListener("mouseleave", () => {
    if (document.activeElement !== made) tip.hide(200);
  });
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    tip.hide();
    event.stopPropagation();
  });
  return made;
}

// Each word once in a section, that is from one heading to the next; those of the first chapter, which
// are everywhere, once in a notebook. Part of a path or of a name in code is no word.
function mark(place, bySpelling, words, seen, ever) {
  const walk = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walk.nextNode()) if (!walk.currentNode.parentElement.closest(OUT)) texts.push(walk.currentNode);
  for (const node of texts) {
    const parts = [];
    let last = 0;
    for (const found of node.data.matchAll(words)) {
      const word = bySpelling.get(found[0]);
      if (seen.has(word.term) || (word.basic && ever.has(word.term))) continue;
      seen.add(word.term);
      ever.add(word.term);
      if (node.parentElement.closest("em")) continue;  // here it is introduced
      parts.push(node.data.slice(last, found.index), button(word, found[0]));
      last = found.index + found[0].length;
    }
    if (parts.length) node.replaceWith(...parts, node.data.slice(last));
  }
}

function copier(text) {
  const made = Object.assign(document.createElement("button"), {
    type: "button", className: "casnb-copy", textContent: "Copy" });
  const shown = text.length > 24 ? `${text.slice(0, 12)}\u2026` : text;
  made.setAttribute("aria-label", `Copy ${shown}`);
  made.addEventListener("click", async () => {
    let told = "Copied";
    try { await put(text); } catch { told = "Select it by hand"; }
    made.textContent = told;
    made.setAttribute("aria-label", told);
    setTimeout(() => {
      made.textContent = "Copy";
      made.setAttribute("aria-label", `Copy ${shown}`);
    }, 2500);
  });
  return made;
}

function copies(place) {
  for (const code of place.querySelectorAll(".solution pre code, code, td"))
    if (code.closest(".solution pre") || /^[0-9a-f]{40,128}$/.test(code.textContent.trim())) {
      if (code.matches("td") && code.querySelector("code")) continue;
      const text = code.textContent.replace(/\n$/, "");
      const made = copier(text);
      if (code.matches(".solution pre code")) code.closest("pre").after(made);
      else if (code.matches("td")) code.append(" ", made);
      else code.after(" ", made);
    }
}

export default {
  render({ model, el }) {
    el.style.display = "none";
    const bySpelling = meanings(model.get("words"));
    const words = pattern(bySpelling);
    const done = new WeakMap(), ever = new Set();
    let waiting;
    const look = () => {
      waiting = undefined;
      const book = el.closest(".jp-Notebook") || document;
      let seen = new Set();
      for (const place of book.querySelectorAll(TEXTS)) {
        if (place.querySelector("h1, h2, h3")) seen = new Set();
        for (const { dataset } of place.querySelectorAll(".casnb-term")) {  // of a lab shown before
          seen.add(dataset.term);
          ever.add(dataset.term);
        }
        if (place.closest(".jupyter-widgets") || done.get(place) === place.textContent) continue;
        if (!place.matches(".jp-MarkdownOutput") && !place.querySelector(".casnb-copy")) copies(place);
        mark(place, bySpelling, words, seen, ever);
        done.set(place, place.textContent);
      }
    };
    const later = () => { if (waiting === undefined) waiting = setTimeout(look, 300); };
    const watch = new MutationObserver(later);
    const start = () => watch.observe(el.closest(".jp-Notebook") || document.body,
      { childList: true, subtree: true });
    setTimeout(() => { start(); look(); });
    return () => { watch.disconnect(); clearTimeout(waiting); tip.hide(); };
  },
};
