// Panels tell light from dark by the attribute that JupyterLab sets; the site's own switch sets it here.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tell = () => {
    const chosen = document.body.dataset.theme;
    const isDark = chosen === "dark" || (chosen !== "light" && dark.matches);
    document.body.setAttribute("data-jp-theme-light", String(!isDark));
  };
  const start = () => {
    tell();
    new MutationObserver(tell).observe(document.body, { attributeFilter: ["data-theme"] });
    dark.addEventListener("change", tell);
  };
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
})();
