// A row for each attack: a button, what the attack is, and under it what became of its last run.
// Rows stay and move between two lists, so that a button keeps the focus when it is pressed.
export default {
  render({ model, el }) {
    el.classList.add("casnb", "doors");
    const make = (tag, kind) =>
      Object.assign(document.createElement(tag), kind ? { className: kind } : {});
    const head = make("h3");
    const note = make("p", "small");
    const open = make("ul");
    const fold = make("details", "fold");
    const summary = make("summary");
    const stopped = make("ul");
    fold.append(summary, stopped);
    el.append(head, note, open, fold);
    const rows = new Map();
    for (const { name, title, who } of model.get("attacks")) {
      const row = make("li", "door");
      const button = make("button");
      button.append("Let her try", Object.assign(make("span", "vh"), { textContent: ` ${name}` }));
      button.addEventListener("click", () => model.send({ attack: name }));
      const text = make("div", "door-text");
      const code = Object.assign(make("code"), { textContent: name });
      const why = make("span", "small");
      text.append(code, ` ${title}. By ${who}. `, why);
      const outcome = make("div", "door-outcome");
      row.append(button, text, outcome);
      rows.set(name, { row, why, outcome });
    }
    const show = () => {
      const doors = model.get("doors");
      let last = null;
      for (const [name, { row, why }] of rows) {
        const door = doors[name];
        row.hidden = !door;
        if (!door) continue;
        why.textContent = door.why;
        const list = door.open ? open : stopped;
        if (row.parentElement !== list) {
          const next = [...list.children].find((other) =>
            [...rows.keys()].indexOf(name) < [...rows.keys()].findIndex((k) => rows.get(k).row === other));
          list.insertBefore(row, next ?? null);
        }
        last = name;
      }
      const count = [...stopped.children].filter((r) => !r.hidden).length;
      fold.hidden = !count;
      summary.innerHTML = `<b>${count} stopped</b> <span class="small">let her try, and see by what</span>`;
      open.hidden = ![...open.children].some((r) => !r.hidden);
      head.textContent = model.get("head");
      note.textContent = model.get("note");
      el.hidden = last === null && !model.get("head");
    };
    const told = () => {
      const outcome = model.get("outcome");
      for (const [name, part] of rows) {
        const html = outcome.name === name ? outcome.html : "";
        if (part.outcome.innerHTML !== html) part.outcome.innerHTML = html;
      }
    };
    model.on("change:doors change:head change:note", show);
    model.on("change:outcome", told);
    show();
    told();
  },
};
