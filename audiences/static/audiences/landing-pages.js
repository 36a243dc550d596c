/* Comfort for operators who build a page. Without it everything works as well. */
(function () {
  "use strict";

  function ready() {
    proposeSlug();
    hideService();
    showContrast();
    showMarkdown();
    warnOfUnsavedWork();
  }

  /* The slug follows the label until somebody writes one. */
  function proposeSlug() {
    const form = document.querySelector("form.new-page");
    const label = form && form.querySelector("[name=label]");
    const slug = form && form.querySelector("[name=slug]");
    if (!label || !slug) return;
    let own = slug.value !== "";
    slug.addEventListener("input", () => { own = slug.value !== ""; });
    label.addEventListener("input", () => {
      if (own) return;
      slug.value = label.value.normalize("NFKD").toLowerCase()
        .replace(/[\u0300-\u036f]/g, "").replace(/[^a-z0-9]+/g, "-")
        .replace(/^-+|-+$/g, "").slice(0, 74);
    });
  }

  /* The service is asked for only where the kind has one. */
  function hideService() {
    const form = document.querySelector("form.new-page");
    const service = form && form.querySelector("[name=service]");
    if (!service) return;
    const row = service.closest(".form-row");
    const update = () => {
      const kind = form.querySelector("[name=kind]:checked");
      row.hidden = !(kind && "hasService" in kind.dataset);
      if (row.hidden) service.value = "";
    };
    form.addEventListener("change", update);
    update();
  }

  function luminance(colour) {
    const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  }

  /* The sample follows the colours, and says whether people can read the button. */
  function showContrast() {
    const sample = document.querySelector(".sample");
    const [brand, text, around] = ["brand_colour", "text_on_brand", "background_colour"]
      .map((name) => document.querySelector(`input[name=${name}]`));
    if (!sample || !brand || !text || !around) return;
    const output = sample.querySelector("output");
    const update = () => {
      sample.querySelector(".around").setAttribute("fill", around.value);
      sample.querySelector(".on-brand").setAttribute("fill", brand.value);
      sample.querySelector("text").setAttribute("fill", text.value);
      const both = [luminance(brand.value), luminance(text.value)].sort((a, b) => b - a);
      const ratio = (both[0] + 0.05) / (both[1] + 0.05);
      const isGood = ratio >= Number(sample.dataset.least);
      output.textContent = (isGood ? sample.dataset.good : sample.dataset.bad)
        .replace("{ratio}", ratio.toFixed(1)).replace("{least}", sample.dataset.least);
      output.classList.toggle("too-little", !isGood);
    };
    [brand, text, around].forEach((input) => input.addEventListener("input", update));
    update();
  }

  /* Beside each text, as visitors see it: the server makes safe HTML of it. */
  function showMarkdown() {
    const place = document.querySelector("[data-markdown-url]");
    const token = document.querySelector("[name=csrfmiddlewaretoken]");
    if (!place || !token) return;
    document.querySelectorAll("[data-preview-of]").forEach((preview) => {
      const area = document.getElementById(preview.dataset.previewOf);
      const seen = preview.querySelector(".seen");
      let waiting, latest = 0;
      const show = async () => {
        const number = ++latest;
        const body = new FormData();
        body.append("text", area.value.trim() || preview.dataset.builtIn);
        body.append("csrfmiddlewaretoken", token.value);
        try {
          const answer = await fetch(place.dataset.markdownUrl, {method: "POST", body});
          const html = await answer.text();
          if (answer.ok && !answer.redirected && number === latest) seen.innerHTML = html;
        } catch (error) {
          /* The server is away: the preview stays as it was. */
        }
      };
      area.addEventListener("input", () => {
        clearTimeout(waiting);
        waiting = setTimeout(show, 250);
      });
    });
  }

  function warnOfUnsavedWork() {
    const form = document.getElementById("landingpage_form");
    if (!form) return;
    let isDirty = false;
    form.addEventListener("input", () => { isDirty = true; });
    form.addEventListener("submit", () => { isDirty = false; });
    window.addEventListener("beforeunload", (event) => {
      if (isDirty) event.preventDefault();
    });
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", ready);
  } else {
    ready();
  }
})();
