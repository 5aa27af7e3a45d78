(() => {
  "use strict";
  const root = document.querySelector("[data-view]"), view = root.dataset.view;
  const live = document.getElementById("live");
  const $ = (q, r = document) => r.querySelector(q), $$ = (q, r = document) => [...r.querySelectorAll(q)];
  const KEY = "casnb board", EVERY = 500;
  // What follows the # is sent to nobody; this origin alone keeps it, as long as the tab lives.
  if (location.hash.length > 1) {
    sessionStorage.setItem(KEY, location.hash.slice(1));
    history.replaceState(null, "", location.pathname);
  }
  const base = location.pathname.replace(/\/(projector\/?)?$/, "");
  const headers = () => {
    const secret = sessionStorage.getItem(KEY);
    return { "Content-Type": "application/json", "X-Casnb-Board": "1",
             ...(secret ? { Authorization: "Bearer " + secret } : {}) };
  };
  const ask = async (what, body) => {
    const answer = await fetch(base + "/api/" + what, { method: "POST", headers: headers(),
      body: JSON.stringify(body || {}), credentials: "same-origin" });
    const found = await answer.json();
    if (!answer.ok) throw new Error(found.error || "status " + answer.status);
    return found;
  };

  let tag = "", held = false, details = {}, broken = false, fixed = "";
  const grid = () => $(".g3", root);
  const quiet = () => grid() && (grid().matches(":hover") || grid().contains(document.activeElement));
  const KEPT = new Set(["tabindex", "aria-pressed", "hidden"]);

  // One element takes over text, name and state of its new form; it stays the same element.
  const patch = (old, fresh) => {
    for (const a of fresh.attributes)
      if (!KEPT.has(a.name) && a.name !== "class" && old.getAttribute(a.name) !== a.value)
        old.setAttribute(a.name, a.value);
    if (old.tagName !== "TR" && old.innerHTML !== fresh.innerHTML) old.innerHTML = fresh.innerHTML;
  };
  const update = html => {
    const fresh = document.createElement("template");
    fresh.innerHTML = html;
    const news = new Map($$("[data-p]", fresh.content).map(e => [e.dataset.p, e]));
    const rows = $("#rows", root), order = $$("#rows tr", fresh.content).map(r => r.dataset.s);
    const there = new Map($$("tr", rows).map(r => [r.dataset.s, r]));
    if (order.length !== there.size || order.some(s => !there.has(s))) { draw(html); return; }
    const list = $("#held", root), mine = () => $$("[data-p]", list).map(b => b.dataset.p).join();
    const wanted = $$("#held [data-p]", fresh.content).map(b => b.dataset.p).join();
    if (mine() !== wanted && !list.contains(document.activeElement)) {
      const on = $("[aria-pressed=true]", list)?.dataset.p;
      list.innerHTML = $("#held", fresh.content).innerHTML;
      const again = on && $$("[data-p]", list).find(b => b.dataset.p === on);
      if (again) again.setAttribute("aria-pressed", "true");
    }
    for (const e of $$("[data-p]", root)) if (news.has(e.dataset.p)) patch(e, news.get(e.dataset.p));
    if (!quiet()) {
      const now = $$("tr", rows).map(r => r.dataset.s);
      if (now.join() !== order.join()) order.forEach(s => rows.append(there.get(s)));
    }
    mark(); again();
  };
  const draw = html => { root.innerHTML = html; wire(); };

  const who = s => { $$("[data-who]", root).forEach(x => x.textContent = s); fixed = s; };
  const show = b => {
    const det = $("#det", root), of = b.dataset.s + "/" + b.dataset.e;
    det.dataset.of = of; det.innerHTML = details[of] || "";
    $$("tr.sel", root).forEach(r => r.classList.remove("sel"));
    b.closest("tr").classList.add("sel");
    if ($("#rs", root).hidden) who(b.dataset.s);
  };
  const again = () => {
    const det = $("#det", root), text = det && details[det.dataset.of];
    if (text && det.innerHTML !== text) det.innerHTML = text;
  };
  const mark = () => {
    const on = $("#held [aria-pressed=true]", root);
    return $$("#rows button", root).filter(b => {
      const hit = !!on && b.dataset.e === on.dataset.e && b.dataset.m.split(" ").includes(on.dataset.m);
      b.classList.toggle("hit", hit);
      return hit;
    });
  };

  const wire = () => {
    if (view === "projector") { $("#back").addEventListener("click", () => { location.href = base; }); return; }
    const g = grid();
    if (!g || !$("#rs", root)) return;
    who($(".one [data-who]", root).textContent);
    g.addEventListener("focusin", e => {
      const b = e.target.closest("button"); if (!b) return;
      $$("button[tabindex='0']", g).forEach(x => x.tabIndex = -1); b.tabIndex = 0; show(b);
    });
    g.addEventListener("mouseover", e => {
      const b = e.target.closest("button"); if (b && !g.contains(document.activeElement)) show(b);
    });
    g.addEventListener("keydown", e => {
      const b = e.target.closest("button"); if (!b) return;
      const c = $$("#rows tr", g).map(r => $$("button", r));
      let r = c.findIndex(x => x.includes(b)), k = c[r].indexOf(b);
      const to = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
                   Home: [0, -999], End: [0, 999], PageUp: [-999, 0], PageDown: [999, 0] }[e.key];
      if (!to) return;
      e.preventDefault();
      r = Math.max(0, Math.min(c.length - 1, r + to[0]));
      k = Math.max(0, Math.min(c[r].length - 1, k + to[1]));
      c[r][k].focus();
    });
    $("#held", root).addEventListener("click", e => {
      const m = e.target.closest("button.m"); if (!m) return;
      const on = m.getAttribute("aria-pressed") !== "true";
      $$("#held button").forEach(x => x.setAttribute("aria-pressed", "false"));
      m.setAttribute("aria-pressed", on);
      const hits = mark();
      const cells = hits.length === 1 ? "1 cell" : `${hits.length} cells`;
      live.textContent = on ? `${cells} marked: ${hits.map(x => x.dataset.s).join(", ")}` : "No cell is marked.";
    });
    $("#names", root).addEventListener("click", async e => {
      const button = e.currentTarget, on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", on);
      const names = on ? (await ask("names")).names : {};
      $$("[data-name]", root).forEach(n => { n.textContent = names[n.dataset.name] || ""; n.hidden = !on; });
    });
    $("#hold", root).addEventListener("click", e => {
      held = e.currentTarget.getAttribute("aria-pressed") !== "true";
      e.currentTarget.setAttribute("aria-pressed", held);
      live.textContent = held ? "The board holds still. New answers are counted, and shown when you let it go." : "The board is live.";
    });
    $("#project", root).addEventListener("click", () => { location.href = base + "/projector"; });
    const box = $("#rs", root), input = $("#rs-i", root), yes = $("#rs-y", root), said = $("#rs-s", root);
    const shut = (text = "") => {
      box.hidden = true; input.value = ""; yes.setAttribute("aria-disabled", "true");
      said.textContent = text; $("#rs-b", root).focus();
    };
    $("#rs-b", root).addEventListener("click", () => { box.hidden = false; said.textContent = ""; input.focus(); });
    input.addEventListener("input", () => yes.setAttribute("aria-disabled", input.value.trim() !== fixed));
    yes.addEventListener("click", async () => {
      if (yes.getAttribute("aria-disabled") === "true") { said.textContent = `Type ${fixed} first.`; return; }
      const id = fixed;
      try { await ask("reset", { student: id }); shut(`${id}: a new world of the same seed. Its sessions are gone.`); }
      catch (error) { shut(`Not reset: ${error.message}`); }
    });
    $("#rs-n", root).addEventListener("click", () => shut("Kept. Nothing was changed."));
  };
  addEventListener("keydown", e => {
    if (e.key !== "Escape") return;
    if (view === "projector") location.href = base;
    else if ($("#rs", root) && !$("#rs", root).hidden) $("#rs-n", root).click();
  });

  const look = async () => {
    try {
      if (!held && !document.hidden) {
        const found = await ask("view", { view, tag });
        if (broken) { broken = false; live.textContent = "The class server answers again."; $("#gone")?.remove(); }
        if (found.tag !== tag) {
          const first = !tag;
          tag = found.tag; details = found.details || {};
          if (first || view === "projector") draw(found.html); else update(found.html);
        }
      }
    } catch (error) {
      if (!broken) {
        broken = true;
        const text = error instanceof TypeError ? "The class server does not answer. What is shown is old." : error.message;
        live.textContent = text;
        root.insertAdjacentHTML("afterbegin", '<p id="gone" class="gone"></p>');
        $("#gone").textContent = text;
      }
    }
    setTimeout(look, EVERY);
  };
  look();
})();
