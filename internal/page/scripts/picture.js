
// A picture of few sources has three columns: from where mail comes, its way, and where
// it ends. A picture of many has a line for each, with its ends. A flow is one connection
// through all three: {from, way, end, bad, n}.

const mostLeft = 24, mostWays = 16, mostEnds = 24;

// flowsOf returns the flows of rows. from says what is in the first column.
function flowsOf(inventory, rows, from) {
  const flows = new Map();
  for (const { d, row } of rows) {
    const ends = endsOf(inventory, d, row);
    const add = (way, end, bad) => {
      const id = JSON.stringify([from(d, row), way, end]);
      if (!flows.has(id)) flows.set(id, { from: from(d, row), way, end, bad, n: 0 });
      flows.get(id).n++;
    };
    if (ends.refusal !== undefined) add("refused", "nobody", true);
    for (const end of ends.recipients || []) add(wayOf(inventory, d, row, end), end.includes("@") ? "at " + end.slice(end.lastIndexOf("@") + 1) : nameOfBox(inventory, end), false);
  }
  return [...flows.values()];
}

function nameOfBox(inventory, end) {
  const owner = end[0] === "/" && inventory.users.find((u) => u.m === end);
  return owner ? owner.n : end.split("+", 1)[0];
}

function wayOf(inventory, d, row, end) {
  if (row.to[0] === "[") return "list " + (row.key || "catch-all") + "@" + inventory.domains[row.of >= 0 ? row.of : d].n;
  if (row.key === "") return "catch-all";
  return end.includes("@") ? "other server" : "direct";
}

function flowsOfDomain(inventory, d) {
  const rows = inventory.table(d).map((row) => ({ d, row }));
  return flowsOf(inventory, rows, (_, row) => (row.key === "" ? "anything else" : row.key));
}

function flowsOfUser(inventory, name, found) {
  return flowsOf(inventory, found, (d) => inventory.domains[d].n).filter((f) => f.end === name || !inventory.userByName.has(f.end));
}

function flowsOfAll(inventory) {
  const rows = [];
  eachRow(inventory, (d, row) => rows.push({ d, row }));
  return flowsOf(inventory, rows, (d) => inventory.domains[d].n);
}

// joined gives each name of a column its weight. Beyond most, the lightest names are
// joined to one.
function joined(flows, column, most) {
  const weights = new Map();
  for (const f of flows) weights.set(f[column], (weights.get(f[column]) || 0) + f.n);
  const names = [...weights].sort((a, b) => b[1] - a[1] || Inventory.byBytes(a[0], b[0]));
  if (names.length <= most) return { names, nameOf: (f) => f[column] };
  const rest = new Set(names.slice(most - 1).map((n) => n[0]));
  const other = rest.size.toLocaleString("en") + " more";
  const kept = names.slice(0, most - 1);
  kept.push([other, names.slice(most - 1).reduce((sum, n) => sum + n[1], 0)]);
  return { names: kept, nameOf: (f) => (rest.has(f[column]) ? other : f[column]) };
}

// pictureParts returns a picture with its heading and the same facts as a table.
function pictureParts(inventory, flows, title) {
  if (flows.length === 0) return [];
  const rows = [...flows].sort((a, b) => b.n - a.n);
  return [
    make("h3", {}, title),
    make("div", { class: "picture", tabindex: "0", role: "group", "aria-label": title }, (new Set(flows.map((f) => f.from)).size > mostLeft ? lines : drawing)(flows, title)),
    make("details", { open: innerWidth < 640 && "" }, make("summary", {}, "The picture as a table"), table(count(rows.length, "connection"), ["From", "By", "To", "+Addresses"], rows, (f) => [f.from, f.way, f.end, String(f.n)])),
  ];
}

// drawing draws flows as SVG.
function drawing(flows, title) {
  const columns = [joined(flows, "from", mostLeft), joined(flows, "way", mostWays), joined(flows, "end", mostEnds)];
  const longest = Math.max(...columns.map((c) => c.names.length));
  const step = longest > 12 ? 24 : 36, top = 28, x = [250, 520, 800];
  const height = top + longest * step + 8;
  const places = columns.map((c) => {
    const gap = Math.min(3 * step, ((longest - 1) * step) / Math.max(1, c.names.length - 1));
    const from = top + ((longest - 1) * step - gap * (c.names.length - 1)) / 2;
    return new Map(c.names.map(([name], i) => [name, from + i * gap + step / 2]));
  });
  const badNames = new Set(flows.filter((f) => f.bad).flatMap((f) => [f.way, f.end]));
  const links = new Map();
  for (const f of flows) {
    const names = columns.map((c) => c.nameOf(f));
    for (const i of [0, 1]) {
      const id = JSON.stringify([i, names[i], names[i + 1]]);
      if (!links.has(id)) links.set(id, { i, a: names[i], b: names[i + 1], bad: f.bad, n: 0 });
      const line = links.get(id);
      line.n += f.n;
      line.bad = line.bad && f.bad;
    }
  }
  const paths = [...links.values()].map(({ i, a, b, bad, n }) => {
    const [x1, x2, y1, y2] = [x[i] + 6, x[i + 1] - 6, places[i].get(a), places[i + 1].get(b)];
    const middle = (x1 + x2) / 2;
    // The label of the middle column stands right of its bar: the line begins behind it.
    return make("path", { d: `M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`, class: bad ? "bad" : null, "stroke-width": Math.min(10, 1 + Math.log2(n)).toFixed(1) }, make("title", {}, a + " → " + b + ": " + count(n, "address", "addresses")));
  });
  const labels = columns.flatMap((c, i) =>
    c.names.map(([name, n]) => {
      const y = places[i].get(name);
      const shown = shortened(name, 34) + (n > 1 ? "  " + n.toLocaleString("en") : "");
      const bad = i > 0 && badNames.has(name) ? "bad" : null;
      const text = i === 1 ? { x: x[1], y: y - 7, "text-anchor": "middle" } : { x: x[i] + (i === 0 ? -8 : 8), y: y + 4, "text-anchor": i === 0 ? "end" : "start" };
      return make("g", {}, make("rect", { x: x[i] - 2, y: y - 5, width: 4, height: 10, class: bad }), make("text", text, shown, make("title", {}, name + ": " + count(n, "address", "addresses"))));
    }),
  );
  const heads = ["From", "By", "To"].map((head, i) => make("text", { class: "head", x: x[i] + [-8, 0, 8][i], y: 12, "text-anchor": ["end", "middle", "start"][i] }, head));
  const total = flows.reduce((sum, f) => sum + f.n, 0);
  return make("svg", { viewBox: `0 0 1060 ${height}`, role: "img", "aria-labelledby": "picture-title" },
    make("title", { id: "picture-title" }, title + ": " + columns.map((c, i) => c.names.length + [" sources", " ways", " ends"][i]).join(", ") + ", " + count(total, "connection") + ". The table below has the same facts."),
    paths, labels, heads);
}
