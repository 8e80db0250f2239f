"use strict";
(() => {
  const chart = document.getElementById("time");
  if (!chart) return;
  const data = JSON.parse(document.getElementById("data").textContent);
  const tip = document.getElementById("tip"), cursor = document.getElementById("cursor");
  const left = +chart.dataset.left, right = +chart.dataset.right, end = +chart.dataset.end;
  const number = (value) => value.toLocaleString("en", { maximumFractionDigits: value < 100 ? 2 : 0 });

  const row = (parent, name, value) => {
    const line = parent.appendChild(document.createElement("span"));
    line.appendChild(document.createElement("i")).textContent = name;
    line.appendChild(document.createElement("em")).textContent = value;
    line.lastChild.style.fontStyle = "normal";
  };

  const fill = (at) => {
    tip.replaceChildren();
    const point = data.timeline.find((one) => one.t <= at && at < one.t + one.length);
    tip.appendChild(document.createElement("b")).textContent = at.toFixed(1) + " s" + (point ? ", " + point.run : "");
    if (point) {
      row(tip, "answers a second", number(point.per_second));
      const names = Object.keys(point.variants);
      if (names.length > 1) for (const name of names) row(tip, "\u2003" + name, number(point.variants[name]));
      if ("p50_ms" in point) {
        for (const [name, words] of [["p50_ms", "p50"], ["p90_ms", "p90"], ["p99_ms", "p99"], ["max_ms", "longest"]])
          row(tip, words, number(point[name]) + " ms");
      }
      if (point.errors_per_second) row(tip, "errors a second", number(point.errors_per_second));
    }
    for (const [name, samples] of Object.entries(data.instances)) {
      const seen = samples.filter((one) => one[0] <= at).pop() || samples[0];
      if (seen) row(tip, name, seen[1] + (seen[1] === 1 ? " instance" : " instances"));
    }
  };

  chart.addEventListener("pointermove", (event) => {
    const box = chart.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * 1000;
    const inside = x >= left && x <= right;
    tip.hidden = !inside;
    cursor.setAttribute("visibility", inside ? "visible" : "hidden");
    if (!inside) return;
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
    fill(((x - left) / (right - left)) * end);
    const at = event.clientX - box.left, beyond = at + tip.offsetWidth + 24 > box.width;
    tip.style.left = (beyond ? at - tip.offsetWidth - 14 : at + 14) + "px";
    tip.style.top = Math.max(0, event.clientY - box.top - tip.offsetHeight / 2) + "px";
  });
  chart.addEventListener("pointerleave", () => {
    tip.hidden = true;
    cursor.setAttribute("visibility", "hidden");
  });
})();
