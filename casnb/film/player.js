// Plays an asciicast (version 2) that stands in the page as text. What it draws is what a story
// sends: text, new lines and colours; any other control sequence is left out.
(() => {
  const CONTROL = /\x1b\[([0-9;]*)([A-Za-z])/g;

  function parse(text) {
    const [header, ...events] = text.trim().split("\n").map((line) => JSON.parse(line));
    if (header.version !== 2) throw new Error(`asciicast: got version ${header.version}, wanted 2`);
    return {
      header,
      sent: events.filter((event) => event[1] === "o"),
      marks: events.filter((event) => event[1] === "m"),
      duration: header.duration ?? (events.length ? events[events.length - 1][0] : 0),
    };
  }

  // Lines of pieces, each a text and its classes.
  function lines(text) {
    const out = [[]];
    let style = new Set();
    const put = (part) => {
      part.replaceAll("\r\n", "\n").split("\n").forEach((piece, n) => {
        if (n) out.push([]);
        if (piece) out[out.length - 1].push([piece, [...style].join(" ")]);
      });
    };
    let from = 0;
    for (const found of text.matchAll(CONTROL)) {
      put(text.slice(from, found.index));
      from = found.index + found[0].length;
      if (found[2] !== "m") continue;
      for (const code of (found[1] || "0").split(";").map(Number)) {
        if (code === 0) style = new Set();
        else if (code === 1) style.add("b");
        else if (code === 2) style.add("dim");
        else if (code >= 30 && code <= 37) style.add(`c${code - 30}`);
      }
    }
    put(text.slice(from));
    return out;
  }

  // Who asked for less motion sees no typing: a line comes when it is whole.
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  function draw(screen, cast, seconds) {
    let text = "";
    for (const [at, , data] of cast.sent) {
      if (at > seconds) break;
      text += data;
    }
    if (calm.matches && seconds < cast.duration) text = text.slice(0, text.lastIndexOf("\n") + 1);
    const rows = lines(text).slice(-cast.header.height - 1);
    if (rows.length > cast.header.height) rows.shift();
    screen.replaceChildren();
    for (const row of rows) {
      for (const [piece, classes] of row) {
        const span = document.createElement("span");
        span.textContent = piece;
        if (classes) span.className = classes;
        screen.append(span);
      }
      screen.append("\n");
    }
  }

  const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

  function player(figure) {
    const cast = parse(figure.querySelector("script[type='application/x-asciicast']").textContent);
    const screen = figure.querySelector(".cast-screen");
    screen.dataset.rows = cast.header.height;
    screen.style.setProperty("--rows", cast.header.height);
    const bar = document.createElement("div");
    bar.className = "cast-bar";
    const add = (tag, about) => {
      const node = Object.assign(document.createElement(tag), about);
      bar.append(node);
      return node;
    };
    const button = add("button", { type: "button", textContent: "Play" });
    const place = add("input", { type: "range", min: 0, max: Math.ceil(cast.duration), step: 1 });
    place.setAttribute("aria-label", "Position in seconds");
    const time = add("output", {});
    time.setAttribute("aria-live", "off");
    const speed = add("select", {});
    speed.setAttribute("aria-label", "Speed");
    for (const times of [1, 1.5, 2, 4]) speed.add(new Option(`${times} times`, times));
    const chapter = add("select", {});
    chapter.setAttribute("aria-label", "Chapter");
    chapter.add(new Option("Beginning", 0));
    for (const [at, , label] of cast.marks) chapter.add(new Option(label, at));
    figure.append(bar);

    let now = 0, timer = null;
    function seek(seconds) {
      now = Math.max(0, Math.min(cast.duration, seconds));
      draw(screen, cast, now);
      place.value = now;
      time.textContent = `${clock(now)} of ${clock(cast.duration)}`;
      const marks = [0, ...cast.marks.map((mark) => mark[0])];
      chapter.selectedIndex = marks.filter((at) => at <= now).length - 1;
    }
    function stop() {
      clearInterval(timer);
      timer = null;
      button.textContent = "Play";
    }
    button.addEventListener("click", () => {
      if (timer) return stop();
      if (now >= cast.duration) seek(0);
      let last = performance.now();
      button.textContent = "Pause";
      timer = setInterval(() => {
        const here = performance.now();
        seek(now + ((here - last) / 1000) * Number(speed.value));
        last = here;
        if (now >= cast.duration) stop();
      }, 50);
    });
    screen.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const steps = { ArrowLeft: -5, ArrowRight: 5 };
      if (event.key === " ") button.click();
      else if (event.key in steps) seek(now + steps[event.key]);
      else return;
      event.preventDefault();
    });
    place.addEventListener("input", () => seek(Number(place.value)));
    chapter.addEventListener("change", () => seek(Number(chapter.value)));
    seek(0);
    return { seek, cast };
  }

  window.casnbCasts = [...document.querySelectorAll("figure.cast")].map(player);
})();
