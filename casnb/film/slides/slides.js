// Each slide as large as it fits, in as many slides as it takes; then reveal.js shows them.
function showSlides(width, height) {
  // The largest first. 1 is the size at which the smallest words are read from the last row.
  const SIZES = [1.6, 1.45, 1.3, 1.15, 1];
  const PROSE = [1.25, 1.1, 1, 0.9, 0.8, 0.7];
  // Code and what came of it stand on one slide from this size on.
  const TOGETHER = 1.15;
  const OVERLAP = 100;

  const leaves = () =>
    [...document.querySelectorAll(".slides section")].filter((s) => !s.querySelector("section"));

  function room(section) {
    const box = document.createElement("div");
    box.className = "slide-room";
    const inner = document.createElement("div");
    inner.append(...[...section.childNodes].filter((n) => n.nodeName !== "ASIDE"));
    box.append(inner);
    section.prepend(box);
    return box;
  }

  const spills = (inner) =>
    [...inner.querySelectorAll("*")].some(
      (part) =>
        part.clientWidth > 0 &&
        part.scrollWidth > part.clientWidth + 1 &&
        getComputedStyle(part).overflowX !== "visible" &&
        getComputedStyle(part).overflowX !== "hidden",
    );

  const most = (box) => {
    const style = getComputedStyle(box);
    return height - parseFloat(style.paddingTop) - parseFloat(style.paddingBottom);
  };

  // Whether the slide fits at one of the sizes; it keeps the largest that does, or the last.
  function fits(box, inner, sizes) {
    return sizes.some((size) => {
      inner.style.zoom = size;
      return inner.getBoundingClientRect().height <= most(box) && !spills(inner);
    });
  }

  // Two slides of one whose code and output have no room together: the code, and what came of it.
  function parted(section) {
    const after = section.cloneNode(true);
    section.querySelector(".jp-Cell-outputWrapper").remove();
    after.querySelector(".jp-Cell-inputWrapper").remove();
    after.querySelectorAll("aside.notes").forEach((e) => e.remove());
    after.querySelectorAll("[id]").forEach((e) => e.removeAttribute("id"));
    section.after(after);
    return [section, after];
  }

  function layOut(section) {
    const box = section.querySelector(".slide-room") || room(section);
    const inner = box.firstElementChild;
    const has = (name) => inner.querySelector(name);
    const both = has(".jp-Cell-inputWrapper") && has(".jp-Cell-outputWrapper");
    if (both) {
      if (!fits(box, inner, SIZES.filter((size) => size >= TOGETHER))) parted(section).forEach(layOut);
    } else if (!fits(box, inner, has(".jp-CodeCell") ? SIZES : PROSE)) {
      paginate(section, box, inner);
    }
  }

  // Where a high slide may be cut: below a row, a line, a paragraph, and through none of them.
  function cuts(inner, room) {
    const top = inner.getBoundingClientRect().top;
    const all = inner.getBoundingClientRect().height;
    const rows = [...inner.querySelectorAll("tr,li,p,summary,h2,h3,h4,svg,pre,figure,dt,dd")]
      .filter((e) => e.localName === "tr" || !e.closest("tr"))
      .map((e) => e.getBoundingClientRect())
      .filter((r) => r.height > 0 && r.height < room / 2)
      .map((r) => [r.top - top, r.bottom - top]);
    const places = [];
    for (let from = 0; from < all - 1; ) {
      if (all - from <= room) {
        places.push([from, all]);
        break;
      }
      const clean = rows
        .map(([, bottom]) => bottom)
        .filter(
          (y) =>
            y > from + room / 3 &&
            y <= from + room &&
            !rows.some(([a, b]) => a < y - 1 && b > y + 1),
        );
      const to = clean.length ? Math.max(...clean) : from + room;
      places.push([from, to]);
      from = clean.length ? to : to - OVERLAP;
    }
    return places;
  }

  function paginate(section, box, inner) {
    const places = cuts(inner, most(box));
    if (places.length < 2) return;
    const copies = places.map(() => section.cloneNode(true));
    places.forEach(([from, to], n) => {
      const copy = copies[n];
      if (n) {
        copy.querySelectorAll("[id]").forEach((e) => e.removeAttribute("id"));
        copy.removeAttribute("id");
        copy.querySelectorAll("aside.notes").forEach((e) => e.remove());
      }
      const shown = copy.querySelector(".slide-room > div");
      const pane = document.createElement("div");
      pane.className = "slide-window";
      pane.style.height = `${to - from}px`;
      const moved = document.createElement("div");
      moved.style.marginTop = `${-from}px`;
      shown.replaceWith(pane);
      moved.append(shown);
      pane.append(moved);
      const part = document.createElement("p");
      part.className = "slide-part";
      part.textContent = `${n + 1} of ${places.length}`;
      copy.querySelector(".slide-room").append(part);
    });
    section.replaceWith(...copies);
  }

  async function start() {
    if (document.fonts) await document.fonts.ready;
    leaves().forEach(layOut);
    document.body.classList.add("ready");
    await Reveal.initialize({
      width, height, margin: 0, center: false, hash: true, controls: true, progress: true,
      slideNumber: "c/t", transition: "none", backgroundTransition: "none", plugins: [RevealNotes],
    });
  }
  start();
}
