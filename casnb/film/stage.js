// What the camera asks of the page. The notebook's own node is moved onto the stage, with every
// listener that it has; a cell is "on" or hidden.
(() => {
  const app = window.jupyterapp;
  const make = (id, parent) => {
    const node = document.createElement("div");
    node.id = id;
    parent.append(node);
    return node;
  };
  const frames = () =>
    new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  let panel, view, stage, band, top, pointer;

  async function open(path, title) {
    await app.restored;
    const doc = await app.commands.execute("docmanager:open", { path, factory: "Notebook" });
    await doc.context.ready;
    await doc.sessionContext.ready;
    panel = doc;
    const film = make("film", document.body);
    film.className = "jp-ThemedContainer jp-NotebookPanel";
    film.style.position = "fixed";
    top = make("film-top", film);
    top.append(document.createElement("span"), document.createElement("span"));
    top.children[0].textContent = title;
    stage = make("film-stage", film);
    view = make("film-view", stage);
    band = make("film-band", film);
    view.append(panel.content.node);
    document.fonts && (await document.fonts.ready);
  }

  const node = (index) => panel.content.widgets[index].node;

  // The largest type at which a cell fits; where none does, the type of the page.
  const SIZES = [1.7, 1.5, 1.35, 1.2, 1.1];

  async function fit(cell, most, spare) {
    const spills = () =>
      view.offsetHeight * view.currentCSSZoom * spare > stage.clientHeight ||
      [...cell.querySelectorAll("*")].some(
        (part) =>
          part.clientWidth > 0 &&
          part.scrollWidth > part.clientWidth + 1 &&
          getComputedStyle(part).overflowX !== "visible",
      );
    for (const size of SIZES.filter((n) => n <= most)) {
      view.style.zoom = size;
      await frames();
      if (!spills()) return;
    }
    view.style.zoom = 1;
    await frames();
  }

  async function show(index, { card, before, part, words, spare }) {
    for (const widget of panel.content.widgets) {
      widget.node.classList.remove("film-on", "film-card", "film-before");
    }
    const cell = node(index);
    cell.classList.add("film-on");
    cell.classList.toggle("film-card", card);
    cell.classList.toggle("film-before", before);
    top.children[1].textContent = part;
    band.textContent = words;
    stage.classList.toggle("film-middle", card);
    stage.scrollTop = 0;
    await zoom("");
    await fit(cell, card ? 1.35 : 1.7, spare);
  }

  function say(words) {
    band.textContent = words;
    return frames();
  }

  async function run(index) {
    panel.content.deselectAll();
    panel.content.activeCellIndex = index;
    await app.commands.execute("notebook:run-cell");
    await idle();
    return panel.content.model.cells.get(index).outputs.toJSON();
  }

  // The kernel answers what a click asked for, and the page has drawn it.
  async function idle() {
    const kernel = panel.sessionContext.session.kernel;
    await kernel.requestKernelInfo();
    for (let quiet = 0, n = 0; quiet < 3 && n < 100; n++) {
      const before = view.innerHTML.length;
      await new Promise((done) => setTimeout(done, 120));
      await frames();
      const busy = view.innerText.includes("Loading widget") || kernel.status === "busy";
      quiet = !busy && view.innerHTML.length === before ? quiet + 1 : 0;
    }
  }

  function room() {
    return { height: stage.clientHeight, all: Math.ceil(view.offsetHeight * view.currentCSSZoom) };
  }

  function scroll(y) {
    stage.scrollTop = y;
    return frames();
  }

  function zoom(box) {
    if (!box) {
      view.style.transform = "";
      return frames();
    }
    const width = stage.clientWidth, height = stage.clientHeight;
    // Never smaller than it is: of what is higher than the picture, the upper part is shown.
    const by = Math.max(1, Math.min(2.4, (0.96 * width) / box.width, (0.96 * height) / box.height));
    const around = stage.getBoundingClientRect();
    const x = box.x - around.x, y = box.y - around.y + stage.scrollTop;
    stage.scrollTop = 0;
    const left = (width - box.width * by) / 2 - x * by;
    const over = Math.max(0, (height - box.height * by) / 2) - y * by;
    const size = view.currentCSSZoom; // a length of the view's own is that much longer on the screen
    view.style.transform = `translate(${left / size}px, ${over / size}px) scale(${by})`;
    return frames();
  }

  function point(box) {
    pointer && pointer.remove();
    pointer = null;
    if (box) {
      pointer = make("film-pointer", document.getElementById("film"));
      pointer.style.left = `${box.x + box.width / 2}px`;
      pointer.style.top = `${box.y + box.height / 2}px`;
    }
    return frames();
  }

  const text = (index) => node(index).querySelector(".jp-Cell-outputWrapper").innerText;

  window.film = { open, show, say, run, idle, room, scroll, zoom, point, text };
})();
