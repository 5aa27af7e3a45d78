// Sentences to choose from: each a real button, its sentence its name. Text only ever goes in as text; what stands between
// backticks is set as code.

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) prose(node, text);
  return node;
}

function prose(node, text) {
  node.replaceChildren(
    ...text.split(/`([^`]+)`/).map((part, n) => {
      if (n % 2 === 0) return document.createTextNode(part);
      const code = document.createElement("code");
      code.textContent = part;
      return code;
    }),
  );
}

function wear(sheet) {
  if ([...document.querySelectorAll("style.casnb-sheet")].some((worn) => worn.textContent === sheet)) return;
  const style = document.createElement("style");
  style.className = "casnb-sheet";
  style.textContent = sheet;
  document.head.append(style);
}

function render({ model, el }) {
  wear(model.get("sheet"));
  const id = `casnb-choice-${crypto.getRandomValues(new Uint32Array(1))[0]}`;
  const root = make("div", "casnb-choice");
  root.setAttribute("role", "group");
  root.setAttribute("aria-labelledby", id);
  const title = make("p", "casnb-choice-title", model.get("title"));
  const question = make("p", "casnb-choice-question", model.get("question"));
  question.id = id;
  const list = make("div", "casnb-choice-list");
  list.classList.toggle("casnb-choice-row", model.get("short"));
  const said = make("div", "casnb-choice-said");
  const word = make("strong", "casnb-choice-word");
  const because = make("span", "casnb-choice-because");
  said.append(word, because);
  // One live region from the start, whose text alone changes: a region that comes with its text is not read.
  const live = make("div", "casnb-choice-live");
  live.setAttribute("role", "status");
  const note = make("p", "casnb-choice-note");
  const buttons = new Map();
  for (const option of model.get("options")) {
    const button = make("button", "casnb-choice-button");
    button.type = "button";
    button.append(make("span", "casnb-choice-mark"), make("span", "casnb-choice-text", option.text));
    button.addEventListener("click", () => {
      model.set("chosen", option.key);
      model.set("presses", model.get("presses") + 1);
      model.save_changes();
    });
    buttons.set(option.key, button);
    list.append(button);
  }
  root.append(title, question, list, note, live);
  el.replaceChildren(root);

  function draw() {
    const chosen = model.get("chosen");
    const verdict = model.get("verdict");
    for (const [key, button] of buttons) {
      button.setAttribute("aria-pressed", String(key === chosen));
    }
    said.dataset.mark = verdict.mark || "";
    prose(word, verdict.word ? `${verdict.word} ` : "");
    prose(because, verdict.text || "");
    if (verdict.word && buttons.has(chosen)) {
      if (model.get("short")) list.after(said);
      else buttons.get(chosen).after(said);
    } else said.remove();
    prose(note, model.get("note"));
    note.hidden = !model.get("note");
    const spoken = [verdict.word, verdict.text, model.get("note")].filter(Boolean).join(" ").replaceAll("`", "");
    if (live.textContent !== spoken) live.textContent = spoken;
  }
  draw();
  for (const name of ["chosen", "verdict", "note"]) model.on(`change:${name}`, draw);
  return () => model.off(null, draw);
}

export default { render };
