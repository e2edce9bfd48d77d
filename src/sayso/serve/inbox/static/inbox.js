// What makes the pages quicker: the keyboard, marking words, a draft that survives. Every page works without it.
(() => {
  "use strict";
  const $ = (what, within = document) => within.querySelector(what);
  const all = (what, within = document) => [...within.querySelectorAll(what)];
  const root = document.documentElement;
  root.classList.add("scripted");

  // ---------------------------------------------------------------- times, help, links

  const times = (within) => all("time[datetime]", within).forEach((one) => {
    const when = new Date(one.dateTime);
    if (!Number.isNaN(when.getTime())) {
      one.textContent = new Intl.DateTimeFormat(root.lang, { dateStyle: "medium", timeStyle: "short" }).format(when);
    }
  });
  times(document);
  document.addEventListener("htmx:afterSwap", (event) => times(event.target));

  const here = $(".tabs [aria-current]");  // on a phone the row of tabs is wider than the page
  if (here) here.closest(".tabs").scrollLeft = here.offsetLeft - 40;

  const help = $("#help");
  all("[data-open=help]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => help.showModal());
  });

  const key = $("#key");
  if (key && location.hash.startsWith("#sayso-")) {  // the key of a link never leaves this page but by the form
    key.value = decodeURIComponent(location.hash.slice(1));
    history.replaceState(null, "", location.pathname + location.search);
    $("#key-ready").hidden = false;
    $("#come-in").focus();
  } else (key ?? $("#name"))?.focus();

  const copy = $("#copy");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      await navigator.clipboard.writeText($("#link").value);
      copy.textContent = copy.dataset.done;
    });
  }
  $("#link")?.addEventListener("focus", (event) => event.target.select());
  $("#problem")?.focus();

  // ---------------------------------------------------------------- marking words of the answer

  const answer = $("#answer");
  const form = $("#say");
  const marks = $("#marks .marks");
  const button = $("#mark");
  const characters = (text) => [...text].length;  // as the server counts them

  // Where the part of a selection that lies in the answer begins and ends, in UTF-16 units; null where none does.
  const selected = () => {
    const selection = getSelection();
    if (!answer || !selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0).cloneRange();
    if (!range.intersectsNode(answer)) return null;
    if (!answer.contains(range.startContainer)) range.setStart(answer, 0);  // a hand that went too far
    if (!answer.contains(range.endContainer)) range.setEnd(answer, answer.childNodes.length);
    const before = document.createRange();
    before.setStart(answer, 0);
    before.setEnd(range.startContainer, range.startOffset);
    const [from, text] = [before.toString().length, range.toString()];
    const lead = text.length - text.trimStart().length;
    const words = text.trim();
    return words ? { from: from + lead, to: from + lead + words.length, words } : null;
  };

  const rangeOf = (from, to) => {
    const walker = document.createTreeWalker(answer, NodeFilter.SHOW_TEXT);
    const range = document.createRange();
    let place = 0;
    let open = false;
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const end = place + node.data.length;
      if (!open && from < end) { range.setStart(node, from - place); open = true; }
      if (open && to <= end) { range.setEnd(node, to - place); return range; }
      place = end;
    }
    return null;
  };

  const choose = (from, to) => {
    const range = rangeOf(from, to);
    if (!range) return;
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    range.startContainer.parentElement?.scrollIntoView({ block: "nearest" });
  };

  const paint = () => {
    if (!answer || !window.CSS?.highlights) return;
    const ranges = all("li", marks).map((row) => {
      const [start, words] = [$("[name=span_start]", row).value, $("[name=span_words]", row).value];
      if (start === "" || !words) return null;
      const from = [...answer.textContent].slice(0, Number(start)).join("").length;
      return rangeOf(from, from + words.length);
    }).filter(Boolean);
    CSS.highlights.set("marked", new Highlight(...ranges));
  };

  const wire = (row) => {
    const remove = $(".remove", row);
    remove.hidden = false;
    remove.addEventListener("click", () => {
      row.remove();
      $("#marked-title").hidden = !marks.children.length;
      paint();
      answer.focus();
    });
  };

  const mark = () => {
    const found = selected();
    if (!found) return;
    const row = $("#mark-row").content.firstElementChild.cloneNode(true);
    $("[name=span_start]", row).value = characters(answer.textContent.slice(0, found.from));
    $("[name=span_words]", row).value = found.words;
    $(".words", row).hidden = true;
    $("q", row).textContent = found.words;
    $("q", row).hidden = false;
    marks.append(row);
    wire(row);
    $("#marked-title").hidden = false;
    button.hidden = true;
    paint();
    $("[name=span_note]", row).focus();
    getSelection().removeAllRanges();
  };

  // Words as a reader of the language sees them: [from, to] each, in UTF-16 units.
  const wordsOf = (text) => {
    if (!window.Intl?.Segmenter) return [...text.matchAll(/\S+/g)].map((one) => [one.index, one.index + one[0].length]);
    const found = [...new Intl.Segmenter(root.lang, { granularity: "word" }).segment(text)];
    return found.filter((one) => one.segment.trim()).map((one) => [one.index, one.index + one.segment.length]);
  };

  if (answer) {
    const words = wordsOf(answer.textContent);
    let [anchor, head] = [-1, -1];  // which words are chosen by the keyboard
    $(".keys-hint").hidden = false;
    all("li", marks).forEach(wire);
    paint();
    document.addEventListener("selectionchange", () => {
      const found = selected();
      button.hidden = !found;
      if (found) button.textContent = answer.dataset.mark.replace("{words}", () => found.words.slice(0, 40));
    });
    button.addEventListener("pointerdown", (event) => event.preventDefault());  // keeps what is selected
    button.addEventListener("click", mark);
    answer.addEventListener("pointerdown", () => { anchor = head = -1; });
    answer.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const far = { Home: 0, End: words.length - 1 }[event.key];
      if ((step || far !== undefined) && words.length && !event.ctrlKey && !event.altKey && !event.metaKey) {
        event.preventDefault();
        const to = far !== undefined ? far : head < 0 ? (step > 0 ? 0 : words.length - 1) : head + step;
        head = Math.max(0, Math.min(words.length - 1, to));
        if (!event.shiftKey || anchor < 0) anchor = head;
        choose(words[Math.min(anchor, head)][0], words[Math.max(anchor, head)][1]);
      } else if (event.key === "Enter" && selected()) {
        event.preventDefault();
        mark();
      } else if (event.key === "Escape") {
        getSelection().removeAllRanges();
        anchor = head = -1;
      }
    });
  }

  // ---------------------------------------------------------------- a draft that survives a lost page

  if (form) {
    const place = `sayso:${location.pathname}:${form.dataset.draft}`;
    const fields = ["comment", "revision", "when"];
    const kept = JSON.parse(sessionStorage.getItem(place) || "null");
    if ("sent" in form.dataset) sessionStorage.removeItem(place);
    else if (kept && !form.elements.comment.value) {
      fields.forEach((name) => { if (form.elements[name] && kept[name]) form.elements[name].value = kept[name]; });
      if (kept.rewrote && $("#rewrite")) $("#rewrite").open = true;
    }
    form.addEventListener("input", () => {
      const now = Object.fromEntries(fields.map((name) => [name, form.elements[name]?.value || ""]));
      const rewrote = form.elements.revision?.value !== form.elements.revision?.defaultValue;
      sessionStorage.setItem(place, JSON.stringify({ ...now, rewrote }));
    });
  }

  // ---------------------------------------------------------------- the keyboard

  const rows = all("a.row");
  const go = (step) => {
    const next = $("#next");
    if (!rows.length && next) { if (step > 0) next.click(); else history.back(); return; }
    const at = rows.indexOf(document.activeElement);
    const to = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.max(0, Math.min(rows.length - 1, at + step))];
    to?.focus();
  };
  const reach = (name) => {
    const radio = $(`#reach-${name}`);
    if (!radio) return;
    radio.click();
    (name === "rule" ? $("#when") : radio).focus();
  };
  const rewrite = () => {
    if ($("#rewrite")) $("#rewrite").open = true;
    $("#revision")?.focus();
  };
  const does = {
    j: () => go(1), k: () => go(-1), n: () => $("#next")?.click(), a: () => answer?.focus(), c: () => $("#comment")?.focus(),
    r: rewrite, 1: () => reach("item"), 2: () => reach("rule"), 3: () => reach("everywhere"), g: () => $("#right")?.click(),
    u: () => $("#undo")?.click(), y: () => $("#to-yours")?.click(), "?": () => help?.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=radio]), textarea, select, [contenteditable]");
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter" && form?.contains(event.target)) {
      event.preventDefault();
      $("#send").click();
      return;
    }
    if (event.key === "Escape" && typing && !help?.open) { typing.blur(); return; }
    const off = typing || help?.open || event.ctrlKey || event.metaKey || event.altKey || event.isComposing;
    if (off || !("shortcuts" in document.body.dataset) || !Object.hasOwn(does, event.key)) return;
    event.preventDefault();
    does[event.key]();
  });
})();
