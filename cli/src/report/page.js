// What is under the mouse, and a closer look at a part of the time. The page has all else without it.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const plots = [...document.querySelectorAll(".charts .plot")].filter((p) => !p.closest(".axis"));
  if (!plots.length) return;
  document.documentElement.classList.add("script");
  const lanes = [...document.querySelectorAll(".lane .plot")];
  const steps = (list) => {
    const map = new Map();
    for (let n = 0; n < list.length; n += 2) map.set(list[n], list[n + 1]);
    return map;
  };
  const jobs = data.jobs.map(steps);
  const faults = data.faults.map(steps);
  const names = [...document.querySelectorAll(".lane .label")].map((label) => label.textContent);
  const latency = document.querySelector(".latency .plot");
  const shareNames = [...document.querySelectorAll("#share .legend li")];
  const told = document.body.appendChild(document.createElement("div"));
  told.id = "told";

  // The part that is shown, of the charts' width.
  let from = 0;
  let to = data.wide;
  const number = (n) => n.toLocaleString("en-US");
  const nanoseconds = (ns) => {
    const [per, unit] = ns < 1e3 ? [1, "ns"] : ns < 1e6 ? [1e3, "µs"] : ns < 1e9 ? [1e6, "ms"] : [1e9, "s"];
    return `${Number((ns / per).toPrecision(3))} ${unit}`;
  };
  const moment = (x) => data.from + (x / data.wide) * (data.to - data.from);

  const ticks = () => {
    const [a, b] = [moment(from) / data.ns, moment(to) / data.ns];
    const rough = (b - a) / 8;
    const ten = 10 ** Math.floor(Math.log10(rough));
    const step = ten * [1, 2, 5, 10].find((n) => n * ten >= rough);
    const digits = Math.max(0, -Math.floor(Math.log10(step)));
    const all = [];
    for (let n = Math.ceil(a / step); n * step <= b && all.length < 100; n++) {
      all.push([(n * step - a) / (b - a), `${(n * step).toFixed(digits)} ${data.unit}`]);
    }
    return all;
  };

  const show = () => {
    for (const plot of plots) {
      const svg = plot.querySelector("svg");
      if (!svg) continue;
      const box = svg.getAttribute("viewBox").split(" ");
      svg.setAttribute("viewBox", `${from} 0 ${to - from} ${box[3]}`);
    }
    for (const mark of document.querySelectorAll(".strip .mark")) {
      const place = (mark.dataset.x - from) / (to - from);
      mark.style.left = `${place * 100}%`;
      mark.hidden = place < 0 || place > 1;
    }
    for (const rows of document.querySelectorAll(".rows")) {
      const grid = rows.querySelector(".grid");
      const words = rows.querySelector(".axis .plot");
      grid.querySelectorAll("i").forEach((line) => line.remove());
      words.textContent = "";
      for (const [place, word] of ticks()) {
        const line = grid.appendChild(document.createElement("i"));
        const span = words.appendChild(document.createElement("span"));
        line.style.left = span.style.left = `${place * 100}%`;
        span.textContent = word;
      }
    }
  };

  // The cursor of all charts, or the part that is being chosen.
  const cursor = (a, b) => {
    for (const line of document.querySelectorAll(".grid b")) {
      line.style.display = a === null ? "none" : "block";
      line.classList.toggle("part", b !== null);
      line.style.left = `${Math.min(a, b ?? a) * 100}%`;
      line.style.width = b === null ? "0" : `${Math.abs(b - a) * 100}%`;
    }
  };

  const tell = (plot, place, event) => {
    const x = from + place * (to - from);
    const of = (n) => Math.min(n - 1, Math.floor((x / data.wide) * n));
    const digits = Math.max(0, Math.ceil(-Math.log10((moment(to) - moment(from)) / data.ns)) + 3);
    let text = `${(moment(x) / data.ns).toFixed(digits)} ${data.unit}`;
    const lane = lanes.indexOf(plot);
    if (lane >= 0) {
      const step = of(data.steps);
      text += `\n${names[lane]}\n${number(jobs[lane].get(step) ?? 0)} jobs submitted in ${nanoseconds((data.to - data.from) / data.steps)}`;
      if (faults[lane].has(step)) text += `\n${number(faults[lane].get(step))} faulted`;
    } else if (plot.closest(".latency") && plot !== latency) {
      const step = of(data.tenants[0].length);
      data.tenants.forEach((tenant, n) => {
        if (tenant[step] !== null) text += `\n${names[n]} ${nanoseconds(tenant[step])}`;
      });
    } else if (plot.closest(".latency")) {
      const step = of(data.p50.length);
      text += data.p50[step] === null ? "\nno completions" : `\np50 ${nanoseconds(data.p50[step])}\np99 ${nanoseconds(data.p99[step])}`;
    } else if (plot.closest(".share")) {
      const parts = data.shares[of(data.shares.length)];
      shareNames.forEach((li, n) => {
        const part = parts[li.querySelector(".rest") ? parts.length - 1 : n];
        if (part) text += `\n${li.textContent} ${part} %`;
      });
    }
    told.textContent = text;
    told.style.display = "block";
    const left = event.pageX + 14;
    const most = document.documentElement.scrollLeft + document.documentElement.clientWidth - told.offsetWidth - 8;
    told.style.left = `${left > most ? event.pageX - told.offsetWidth - 14 : left}px`;
    told.style.top = `${event.pageY + 14}px`;
  };

  let pressed = null;
  for (const plot of plots) {
    const place = (event) => {
      const box = plot.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    };
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      pressed = place(event);
      plot.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    plot.addEventListener("pointermove", (event) => {
      const here = place(event);
      cursor(pressed ?? here, pressed === null ? null : here);
      tell(plot, here, event);
    });
    plot.addEventListener("pointerup", (event) => {
      if (pressed === null) return;
      const [a, b] = [Math.min(pressed, place(event)), Math.max(pressed, place(event))];
      pressed = null;
      const wide = to - from;
      // A click is no part of anything, and numbers end somewhere.
      if (b - a > 0.005 && wide * (b - a) > data.wide / 1e5) {
        [from, to] = [from + a * wide, from + b * wide];
        show();
      }
      cursor(null, null);
    });
    plot.addEventListener("pointerleave", () => {
      if (pressed === null) cursor(null, null);
      told.style.display = "none";
    });
    plot.addEventListener("dblclick", () => {
      [from, to] = [0, data.wide];
      show();
    });
  }
})();
