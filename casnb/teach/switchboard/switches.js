// Checkboxes in named groups, each with a line that says what it costs. The elements stay: only
// their state changes, so that the focus does too.
export default {
  render({ model, el }) {
    const own = `casnb-${Math.random().toString(36).slice(2)}`;
    el.classList.add("casnb", "switches");
    const boxes = new Map();
    for (const group of model.get("groups")) {
      const set = document.createElement("fieldset");
      set.append(Object.assign(document.createElement("legend"), { textContent: group.title }));
      for (const item of group.items) {
        const row = document.createElement("div");
        row.className = "switch";
        const box = Object.assign(document.createElement("input"), {
          type: "checkbox", id: `${own}-${item.name}` });
        const label = Object.assign(document.createElement("label"), {
          htmlFor: box.id, textContent: item.label });
        const says = Object.assign(document.createElement("span"), {
          className: "says", id: `${box.id}-says`, textContent: item.says });
        box.setAttribute("aria-describedby", says.id);
        box.addEventListener("change", () => {
          const on = new Set(model.get("value"));
          if (box.checked) on.add(item.name); else on.delete(item.name);
          model.set("value", [...on]);
          model.save_changes();
        });
        boxes.set(item.name, box);
        row.append(box, label, says);
        set.append(row);
      }
      el.append(set);
    }
    const show = () => {
      for (const [name, box] of boxes) box.checked = model.get("value").includes(name);
    };
    model.on("change:value", show);
    show();
  },
};
