// The byte explorer's front end: an ARIA grid of bytes, beside it what there is to say of the field under the cursor.
// Everything is drawn with createElement and textContent: what evidence holds is text here and nothing else.

const PAGE_ROWS = 40;
const LAYERS = { meaning: "Meaning", expected: "Against the expected", second: "Difference to the second", changes: "Changes" };

function make(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

// One sheet serves all explorers of a page: one more would make the browser style and paint the whole page again.
function wear(sheet) {
  if ([...document.querySelectorAll("style.casnb-sheet")].some((worn) => worn.textContent === sheet)) return;
  document.head.append(make("style", "casnb-sheet", sheet));
}

const hex = (byte) => byte.toString(16).padStart(2, "0");

function bytesOf(view) {
  if (!view) return new Uint8Array(0);
  return view.buffer ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : new Uint8Array(view);
}

// One explorer: state comes from the model alone, `first` is the page of bytes that is drawn.
class Explorer {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.number = crypto.getRandomValues(new Uint32Array(1))[0]; // each widget loads a module of its own: counting would repeat
    this.columns = 16;
    this.first = 0;
    this.pending = "";
    this.cells = new Map();
    this.nameNodes = [];
    this.marked = [];
    this.build();
    this.read();
    this.draw();
    this.say(this.fieldAt(this.cursor)?.say || "");
  }

  // What stands on the page

  build() {
    const root = (this.root = make("div", "casnb-bytes"));
    root.dataset.lmSuppressShortcuts = "true";
    this.title = make("p", "cb-title");
    this.title.id = `cb-title-${this.number}`;
    const controls = make("div", "cb-controls");
    this.fieldList = this.select(controls, "Field", (value) => value !== "" && this.move(this.fields[+value].offset));
    this.checkList = this.select(controls, "Light the bytes of a check", (value) => this.light(value));
    this.layerList = this.select(controls, "Show", (value) => { this.set("layer", value); this.draw(); });
    const go = make("form", "cb-control");
    const label = make("label", "", "Go to byte");
    this.goTo = make("input");
    this.goTo.size = 6;
    this.goTo.inputMode = "numeric";
    this.goTo.autocomplete = "off";
    this.goTo.id = `cb-go-${this.number}`;
    label.htmlFor = this.goTo.id;
    const button = make("button", "cb-button", "Go");
    go.append(label, this.goTo, button);
    go.addEventListener("submit", (event) => { event.preventDefault(); this.jump(); });
    controls.append(go);

    const body = make("div", "cb-body");
    const left = make("div", "cb-left");
    const scroll = make("div", "cb-scroll");
    this.grid = make("div", "cb-grid");
    this.grid.setAttribute("role", "grid");
    this.grid.setAttribute("aria-labelledby", this.title.id);
    scroll.append(this.grid);
    this.pages = make("div", "cb-pages");
    left.append(scroll, this.pages);
    this.side = make("div", "cb-side");
    this.side.setAttribute("role", "group");
    this.side.setAttribute("aria-label", "Explanation");
    this.side.tabIndex = -1;
    body.append(left, this.side);

    this.status = make("p", "cb-status");
    this.status.setAttribute("role", "status");
    this.status.setAttribute("aria-live", "polite");
    this.edit = this.editor();
    this.help = make("p", "cb-help");
    this.logList = make("ol", "cb-log");
    root.append(this.title, controls, this.status, body, this.edit, this.logList, this.help);
    this.el.append(root);

    root.addEventListener("keydown", (event) => this.key(event));
    this.grid.addEventListener("mousedown", (event) => {
      const cell = event.target.closest("[data-at]");
      if (cell) { event.preventDefault(); this.move(+cell.dataset.at, true); }
    });
    this.watch = new ResizeObserver(() => {
      const width = root.clientWidth / parseFloat(getComputedStyle(root).fontSize); // in em
      const columns = width >= 35.7 ? 16 : 8;
      root.classList.toggle("cb-narrow", width < 18.6);
      if (root.clientWidth && columns !== this.columns) { this.columns = columns; this.turn(this.cursor); this.draw(); }
    });
    this.watch.observe(root);
  }

  select(parent, text, action) {
    const box = make("div", "cb-control");
    const label = make("label", "", text);
    const list = make("select");
    list.id = `cb-${text.split(" ")[0].toLowerCase()}-${this.number}`;
    label.htmlFor = list.id;
    list.addEventListener("change", () => action(list.value));
    box.append(label, list);
    parent.append(box);
    return list;
  }

  editor() {
    const form = make("form", "cb-edit");
    const label = make("label", "");
    this.newValue = make("input");
    this.newValue.size = 3;
    this.newValue.maxLength = 2;
    this.newValue.autocomplete = "off";
    this.newValue.id = `cb-new-${this.number}`;
    label.htmlFor = this.newValue.id;
    this.newLabel = label;
    const restore = make("button", "cb-button", "Restore every byte");
    restore.type = "button";
    restore.addEventListener("click", () => this.model.send({ event: "restore" }));
    form.append(label, this.newValue, make("button", "cb-button", "Change this byte"), restore);
    form.addEventListener("submit", (event) => { event.preventDefault(); this.write(this.cursor, this.newValue.value); });
    return form;
  }

  // State

  read() {
    const model = this.model;
    this.data = bytesOf(model.get("data"));
    this.second = bytesOf(model.get("compare"));
    this.original = bytesOf(model.get("original"));
    if (this.fields !== model.get("fields")) {
      this.fields = model.get("fields");
      this.fields.filter((f) => f.size).forEach((f, n) => { f.odd = n % 2; });
      this.nameNodes.forEach((pair) => { pair[0] = this.fields.find((f) => f.id === pair[0].id) || pair[0]; });
    }
    this.checks = model.get("checks");
    this.editable = model.get("editable");
    this.layer = model.get("layer");
    this.check = model.get("check");
    this.cursor = Math.min(Math.max(model.get("selected"), 0), Math.max(this.data.length - 1, 0));
    this.turn(this.cursor);
  }

  set(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
    if (name in this) this[name] = value;
  }

  fieldAt(at) {
    let low = 0, high = this.fields.length - 1;
    while (low <= high) {
      const middle = (low + high) >> 1, f = this.fields[middle];
      if (at < f.offset) high = middle - 1;
      else if (at >= f.offset + f.size) low = middle + 1;
      else return f;
    }
    return this.fields.find((f) => at >= f.offset && at < f.offset + f.size);
  }

  lit() {
    const found = this.checks.find((c) => c.id === this.check);
    return found ? found.ranges : [];
  }

  perPage() { return PAGE_ROWS * 16; }
  turn(at) { this.first = Math.floor(at / this.perPage()) * this.perPage(); }

  // What a reader does

  move(at, focus = false) {
    if (!this.data.length) return;
    const before = this.fieldAt(this.cursor);
    const page = this.first;
    this.pending = "";
    this.cursor = Math.min(Math.max(at, 0), this.data.length - 1);
    this.turn(this.cursor);
    this.set("selected", this.cursor);
    const after = this.fieldAt(this.cursor);
    if (page !== this.first) this.drawGrid();
    else this.markCursor();
    if (before !== after || page !== this.first || !this.side.childElementCount) this.drawSide();
    if (before !== after) this.say(after.say);
    if (focus) this.cell(this.cursor)?.focus();
  }

  step(direction) {
    const f = this.fieldAt(this.cursor);
    const sized = this.fields.filter((x) => x.size);
    const n = sized.indexOf(f);
    const inside = direction < 0 && this.cursor > f.offset ? 0 : direction;
    const next = sized[Math.min(Math.max(n + inside, 0), sized.length - 1)];
    this.move(next.offset, true);
  }

  jump() {
    const text = this.goTo.value.trim().toLowerCase();
    const at = /^0x[0-9a-f]+$/.test(text) ? parseInt(text, 16) : /^[0-9]+$/.test(text) ? parseInt(text, 10) : -1;
    if (at < 0 || at >= this.data.length) this.say(`There is no byte ${text.slice(0, 20)}; they are numbered 0 to ${this.data.length - 1}.`);
    else { this.goTo.value = ""; this.move(at, true); }
  }

  light(check) {
    this.set("check", check);
    const found = this.checks.find((c) => c.id === check);
    if (found && found.ranges.length) this.move(found.ranges[0][0]);
    this.draw();
    this.say(found ? found.say : "No check is lit.");
  }

  write(at, text) {
    if (!/^[0-9a-fA-F]{2}$/.test(text.trim())) { this.say("A byte is two hexadecimal digits, 00 to ff."); return; }
    const next = this.data.slice();
    next[at] = parseInt(text, 16);
    this.newValue.value = "";
    this.data = next;
    this.say(`Byte ${at} is now ${hex(next[at])}.`);
    this.model.set("data", new DataView(next.buffer));
    this.model.save_changes();
    this.draw();
  }

  key(event) {
    const inGrid = event.target.closest("[role=grid]");
    const inside = event.target.closest("input, select, textarea");
    if (event.key === "Escape" && !inGrid) { this.cell(this.cursor)?.focus(); this.done(event); return; }
    if (!inGrid || inside || event.altKey || event.metaKey) { event.stopPropagation(); return; }
    const row = this.cursor - (this.cursor % this.columns);
    const end = Math.min(row + this.columns, this.data.length) - 1;
    const moves = {
      ArrowRight: this.cursor + 1, ArrowLeft: this.cursor - 1,
      ArrowDown: this.cursor + this.columns < this.data.length ? this.cursor + this.columns : this.cursor,
      ArrowUp: this.cursor - this.columns >= 0 ? this.cursor - this.columns : this.cursor,
      Home: event.ctrlKey ? 0 : row, End: event.ctrlKey ? this.data.length - 1 : end,
      PageDown: this.cursor + this.perPage(), PageUp: this.cursor - this.perPage(),
    };
    if (event.ctrlKey && (event.key === "ArrowRight" || event.key === "ArrowLeft")) this.step(event.key === "ArrowRight" ? 1 : -1);
    else if (event.key in moves) this.move(moves[event.key], true);
    else if (event.ctrlKey) { event.stopPropagation(); return; }
    else if (event.key === "]") this.step(1);
    else if (event.key === "[") this.step(-1);
    else if (event.key === "g") this.goTo.focus();
    else if (event.key === "Enter") this.side.focus();
    else if (event.key === "Escape" && this.pending) { this.pending = ""; this.markCursor(); }
    else if (this.editable && /^[0-9a-fA-F]$/.test(event.key)) this.digit(event.key);
    else { event.stopPropagation(); return; }
    this.done(event);
  }

  digit(key) {
    if (!this.pending) {
      this.pending = key;
      const cell = this.cell(this.cursor);
      if (cell) cell.firstChild.data = `${key}_`;
      this.say(`First digit ${key}; type the second, or Escape.`);
      return;
    }
    const text = this.pending + key;
    this.pending = "";
    this.write(this.cursor, text);
    this.cell(this.cursor)?.focus();
  }

  done(event) { event.preventDefault(); event.stopPropagation(); }

  say(text) { if (this.status.textContent !== text) this.status.textContent = text; }

  // Drawing

  cell(at) { return this.cells.get(at); }

  draw() {
    const held = this.root.contains(document.activeElement) && document.activeElement.closest("[role=grid]");
    this.title.textContent = `${this.model.get("title")}, ${this.data.length} bytes`;
    this.help.textContent = "Keys in the grid: arrows by byte, [ and ] by field, Home and End, g to go to a byte, Enter to explain, Escape back."
      + (this.editable ? " Two hexadecimal digits change the byte." : "");
    this.options();
    this.drawGrid();
    this.drawSide();
    this.edit.hidden = !this.editable;
    const log = this.model.get("log");
    this.logList.hidden = !log.length;
    if (this.told !== log) {
      this.told = log;
      this.logList.replaceChildren(...log.slice(-12).map((line) => make("li", "", line)));
      this.logList.start = Math.max(log.length - 11, 1);
    }
    if (held) this.cell(this.cursor)?.focus();
  }

  options() {
    const fill = (list, rows, value) => {
      const key = JSON.stringify(rows);
      if (list.dataset.key !== key) {
        list.replaceChildren(...rows.map(([v, text]) => { const o = make("option", "", text); o.value = v; return o; }));
        list.dataset.key = key;
      }
      list.value = value;
    };
    const layers = Object.entries(LAYERS).filter(([k]) => k === "meaning" || (k === "second" && this.second.length)
      || (k === "changes" && this.original.length) || (k === "expected" && this.fields.some((f) => f.state)));
    if (!layers.some(([k]) => k === this.layer)) this.layer = "meaning";
    fill(this.layerList, layers, this.layer);
    this.layerList.parentElement.hidden = layers.length < 2;
    fill(this.checkList, [["", "none"], ...this.checks.map((c) => [c.id, c.status ? `${c.id}: ${c.status}` : c.id])], this.check);
    this.checkList.parentElement.hidden = !this.checks.length;
    fill(this.fieldList, this.fields.map((f, n) => [String(n), `${f.offset}: ${f.id}`]).filter(([n]) => this.fields[+n].size),
      String(this.fields.indexOf(this.fieldAt(this.cursor))));
  }

  differs(at) {
    if (this.layer === "second") return this.second[at] !== this.data[at];
    if (this.layer === "changes") return this.original.length > 0 && this.original[at] !== this.data[at];
    return false;
  }

  // The rows are made once for a page of bytes; afterwards only what is different is written into them.
  drawGrid() {
    const end = Math.min(this.first + this.perPage(), this.data.length);
    const shape = [this.first, this.columns, end, this.fields.length, this.data.length].join();
    if (shape !== this.shape) {
      this.shape = shape;
      this.makeRows(end);
      this.drawPages(end);
    }
    const ranges = this.lit();
    let n = 0;
    for (const [at, cell] of this.cells) {
      while (at >= this.fields[n].offset + this.fields[n].size) n++;
      const f = this.fields[n], text = this.pending && at === this.cursor ? `${this.pending}_` : hex(this.data[at]);
      let marks = "cb-byte";
      if (f.odd) marks += " cb-odd";
      if (f.reserved) marks += " cb-reserved";
      if (at === f.offset) marks += " cb-start";
      if (ranges.some(([a, b]) => a <= at && at < b)) marks += " cb-lit";
      if (this.differs(at)) marks += " cb-changed";
      if (this.layer === "expected" && f.state) marks += ` cb-${f.state}`;
      if (cell.firstChild.data !== text) cell.firstChild.data = text;
      if (cell.className !== marks) cell.className = marks;
    }
    for (const [f, node] of this.nameNodes) {
      const sign = this.layer !== "expected" ? "" : f.state === "equal" ? "= " : f.state === "differs" ? "\u2260 " : "";
      if (node.textContent !== sign + f.name) node.textContent = sign + f.name;
    }
    this.markCursor();
  }

  makeRows(end) {
    const rows = [];
    this.cells = new Map();
    this.nameNodes = [];
    this.grid.setAttribute("aria-rowcount", String(Math.ceil(this.data.length / this.columns)));
    this.grid.setAttribute("aria-colcount", String(this.columns + 1));
    const blank = this.blankRow();
    let f = this.fieldAt(this.first);
    for (let row = this.first; row < end; row += this.columns) {
      const line = blank.cloneNode(true);
      line.setAttribute("aria-rowindex", String(row / this.columns + 1));
      let node = line.firstChild;
      node.firstChild.data = String(row);
      const names = [];
      for (let at = row; at < row + this.columns; at++) {
        const cell = node.nextSibling;
        if (at >= end) { cell.remove(); continue; }
        cell.dataset.at = String(at);
        this.cells.set(at, cell);
        node = cell;
        if (at >= f.offset + f.size) f = this.fieldAt(at);
        if (at === f.offset || at === row) names.push([f, at === f.offset]);
      }
      if (this.columns === 16) line.append(this.names(names));
      rows.push(line);
    }
    this.grid.replaceChildren(...rows);
  }

  // Copying a line is quicker than making its cells one by one.
  blankRow() {
    const line = make("div", "cb-row"), head = make("span", "cb-offset", "0"), cell = make("span", "cb-byte", "00");
    line.setAttribute("role", "row");
    head.setAttribute("role", "rowheader");
    cell.setAttribute("role", "gridcell");
    line.append(head, ...Array.from({ length: this.columns }, () => cell.cloneNode(true)));
    return line;
  }

  names(found) {
    const box = make("span", "cb-names");
    box.setAttribute("aria-hidden", "true");
    for (const [f, begins] of found) {
      if (!begins && found.length > 1) continue;
      const part = make("span", begins ? "cb-name" : "cb-name cb-more", begins ? f.name : "\u2026");
      part.dataset.at = String(f.offset);
      if (begins) this.nameNodes.push([f, part]);
      box.append(part);
    }
    return box;
  }

  drawPages(end) {
    const many = this.data.length > this.perPage();
    this.pages.hidden = !many;
    if (!many) return;
    const button = (text, at, off) => {
      const b = make("button", "cb-button", text);
      b.type = "button";
      b.disabled = off;
      b.addEventListener("click", () => this.move(at));
      return b;
    };
    this.pages.replaceChildren(button("Earlier bytes", this.first - this.perPage(), this.first === 0),
      make("span", "", `bytes ${this.first} to ${end - 1} of ${this.data.length}`),
      button("Later bytes", this.first + this.perPage(), end === this.data.length));
  }

  markCursor() {
    const f = this.fieldAt(this.cursor);
    for (const old of this.marked) old.classList.remove("cb-inside", "cb-cursor");
    this.marked = [];
    if (this.current && this.current !== this.cell(this.cursor)) {
      for (const name of ["aria-selected", "aria-label"]) this.current.removeAttribute(name);
      this.current.setAttribute("tabindex", "-1");
    }
    if (!this.pending && this.current?.textContent.includes("_")) this.current.firstChild.data = hex(this.data[+this.current.dataset.at]);
    if (!f) return;
    for (let at = Math.max(f.offset, this.first); at < Math.min(f.offset + f.size, this.first + this.perPage()); at++)
      if (this.cell(at)) { this.cell(at).classList.add("cb-inside"); this.marked.push(this.cell(at)); }
    const cell = (this.current = this.cell(this.cursor));
    if (!cell) return;
    cell.classList.add("cb-cursor");
    cell.setAttribute("tabindex", "0");
    cell.setAttribute("aria-selected", "true");
    cell.setAttribute("aria-label", `${f.id}, byte ${this.cursor - f.offset + 1} of ${f.size}, offset ${this.cursor}: ${hex(this.data[this.cursor])}`);
    this.fieldList.value = String(this.fields.indexOf(f));
    this.newLabel.textContent = `New value of byte ${this.cursor}`;
  }

  drawSide() {
    const f = this.fieldAt(this.cursor);
    if (!f) { this.side.replaceChildren(); return; }
    const shown = JSON.stringify([f.id, f.rows]);
    if (shown === this.shown) return;
    this.shown = shown;
    const list = make("dl");
    for (const [name, text, code] of f.rows) {
      const value = make("dd");
      value.append(make(code ? "code" : "span", "", text));
      list.append(make("dt", "", name), value);
    }
    const parts = [make("p", "cb-field", f.id), list];
    if (f.checks.length) {
      const lights = make("div", "cb-lights");
      for (const check of f.checks) {
        const b = make("button", "cb-button", `Light ${check}`);
        b.type = "button";
        b.addEventListener("click", () => this.light(check));
        lights.append(b);
      }
      parts.push(lights);
    }
    this.side.replaceChildren(...parts);
  }

  update(moved) {
    const before = this.cursor;
    this.read();
    this.draw();
    if (moved && before !== this.cursor) this.say(this.fieldAt(this.cursor)?.say || "");
  }
}

function render({ model, el }) {
  wear(model.get("sheet"));
  const explorer = new Explorer(model, el);
  const names = ["data", "fields", "checks", "selected", "check", "layer", "compare", "original", "editable", "log", "title"];
  let waiting = false;
  let moved = false;
  const changed = (name) => () => {
    moved = moved || name === "selected";
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => { waiting = false; explorer.update(moved); moved = false; });
  };
  const handlers = names.map((name) => [`change:${name}`, changed(name)]);
  for (const [event, handler] of handlers) model.on(event, handler);
  return () => {
    for (const [event, handler] of handlers) model.off(event, handler);
    explorer.watch.disconnect();
  };
}

export default { render };
