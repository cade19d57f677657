
// The views of the page. Each returns the nodes of a view; the first one is its heading.

function heading(...children) {
  return make("h2", { tabindex: "-1" }, children);
}

const mxClass = { ok: "good", warning: "warn", error: "bad", unknown: "warn" };
const mxWord = { ok: "leads here", warning: "leads here, with a warning", error: "does not lead here", unknown: "no answer" };

function verdictText(v) {
  return make("span", { class: "word " + mxClass[v.verdict] }, mxWord[v.verdict]);
}

// goesTo shows the target of a row, and the recipients if they are others.
function goesTo(inventory, d, row) {
  const ends = endsOf(inventory, d, row);
  const to = targetText(inventory, row.to);
  if (ends.problem) return to;
  if (ends.refusal !== undefined) {
    const r = inventory.refusals[ends.refusal];
    return refusedText(r, row.off && "Not enabled");
  }
  const recipients = ends.recipients || [];
  const shown = separated(recipients.slice(0, 20).map((r) => endLink(inventory, r)), ", ");
  if (recipients.length > 20) shown.push(" and " + (recipients.length - 20) + " more");
  return /^[%@~]/.test(row.to) ? to : shown;
}

function viewDomains(inventory) {
  const verdicts = new Map(inventory.mx.map((v) => [v.n, v]));
  const all = inventory.domains.map((_, d) => d).filter((d) => inventory.about(d));
  const rank = (d) => ({ error: 0, unknown: 1 })[verdicts.get(inventory.domains[d].n)?.verdict] ?? 2;
  all.sort((a, b) => rank(a) - rank(b) || a - b);
  return [
    heading("Domains"),
    table(count(all.length, "domain") + ", those with wrong MX records first", ["Domain", "+Addresses", "Anything else", "Remarks"], all, (d) => {
      const domain = inventory.domains[d];
      return [domainLink(inventory, d), String(domain.rows), domain.r || inventory.cut ? "–" : goesTo(inventory, d, inventory.catchAll(d)), remarks(inventory, d, verdicts.get(domain.n))];
    }),
  ];
}

// remarks says what is special about a domain.
function remarks(inventory, d, verdict) {
  const domain = inventory.domains[d];
  const all = [];
  if (domain.r) all.push(domain.r === "backup" ? "backup: relayed to its better MX hosts" : "not enabled");
  if (domain.s >= 0) all.push(["same as ", domainLink(inventory, domain.s)]);
  if (verdict && verdict.verdict !== "ok") all.push(verdictText(verdict));
  if (verdict && !verdict.served && !domain.r) all.push("held back: not served yet");
  return [separated(all, "; "), noteOf(domain.o)];
}

function viewDomain(inventory, name) {
  const d = inventory.byName.get(name);
  if (d === undefined || !inventory.about(d)) return [heading("Domains"), make("p", {}, (inventory.only.length > 0 ? "This page" : "The inventory") + " has no domain " + name + ".")];
  const domain = inventory.domains[d];
  const verdict = inventory.mx.find((v) => v.n === name);
  const copies = inventory.domains.map((c, i) => (c.s === d && inventory.about(i) ? i : -1)).filter((i) => i >= 0);
  const facts = [];
  const fact = (term, ...value) => facts.push(make("dt", {}, term), make("dd", {}, value));
  if (domain.u) fact("In letters", domain.u);
  if (domain.o) fact("Note", domain.o);
  fact("In the inventory", make("span", { class: "mono" }, inventory.place(domain.at)));
  if (domain.r) fact("Role", domain.r === "backup" ? "backup: the mail goes on to its better MX hosts" : "not enabled: no mail is taken");
  if (domain.s >= 0) fact("Same as", domainLink(inventory, domain.s));
  if (inventory.senders.any) fact("Sends mail", sendsText(domain));
  const senders = domain.e ? inventory.senders.ofDomain(d) : [];
  if (senders.length > 0) fact("Senders", namesOf(inventory, senders));
  if (copies.length > 0) fact("Copied by", separated(copies.slice(0, 50).map((c) => domainLink(inventory, c)), ", "), copies.length > 50 && " and " + (copies.length - 50) + " more");
  if (!domain.r && !inventory.cut) {
    const row = inventory.catchAll(d);
    const may = domain.e ? make("p", {}, "May send from it: ", maySend(inventory, inventory.senders.rightOf(d, row))) : "";
    fact("Anything else", goesTo(inventory, d, row), origin(inventory, d, row), placeOf(inventory, row.at), noteOf(row.note), may);
    fact("user+detail", { d: "goes where user goes", k: "goes where user goes, with the detail", r: "is refused, unless it is listed" }[inventory.detailOf(d)]);
  }
  if (verdict) fact("MX records", verdictText(verdict), ": " + verdict.text);
  const nodes = [heading(name), make("dl", {}, facts)];
  if (domain.r || inventory.cut) return nodes;
  const rows = inventory.table(d).filter((row) => row.key !== "");
  const heads = ["Address", "Goes to", ...(domain.e ? ["May send"] : []), "In the inventory"];
  nodes.push(
    table(count(rows.length, "address", "addresses") + ", roles and copies included", heads, rows, (row) => [
      /\+[+*]$/.test(row.key) ? make("span", { class: "mono" }, row.key + "@" + name) : addressLink(row.key + "@" + name),
      [goesTo(inventory, d, row), noteOf(row.note)],
      ...(domain.e ? [maySend(inventory, inventory.senders.right(d, row.key))] : []),
      [make("span", { class: "mono soft" }, inventory.place(row.at)), origin(inventory, d, row)],
    ]),
    ...pictureParts(inventory, flowsOfDomain(inventory, d), "Who gets the mail of " + name),
  );
  return nodes;
}

// sendsText says whether a domain sends, and with which keys its mail is signed.
function sendsText({ e, k }) {
  if (!e) return "no";
  if (!k) return "yes";
  return "yes, signed with the DKIM key " + k[0] + (k.length > 1 ? "; further keys: " + k.slice(1).join(", ") : "");
}

// maySend shows the users of a right.
function maySend(inventory, { users, own }) {
  if (own) return [users.length > 0 && [namesOf(inventory, users), ", "], "each user, from the address of the same name"];
  return users.length > 0 ? namesOf(inventory, users) : "nobody";
}

// countByUser returns the number of rows that end at each user.
function countByUser(inventory) {
  if (!countByUser.known) {
    const known = new Map();
    eachRow(inventory, (d, row) => {
      for (const user of endsOf(inventory, d, row).users) known.set(user, (known.get(user) || 0) + 1);
    });
    countByUser.known = known;
  }
  return countByUser.known;
}

function viewUsers(inventory) {
  if (inventory.cut) return [heading("Users"), make("p", {}, inventory.cut)];
  const counts = countByUser(inventory);
  return [
    heading("Users"),
    table(count(inventory.users.length, "user"), ["User", "+Addresses", "Mailbox", "Forward"], inventory.users, (u) => [
      [linkTo("user", u.n), noteOf(u.o)],
      (counts.get(u.n) || 0).toLocaleString("en"),
      u.s || (u.f && !u.k) ? "–" : u.m || "the usual one",
      u.f ? targetText(inventory, u.f) + (u.k ? ", and a copy stays" : "") : "–",
    ]),
  ];
}

function viewUser(inventory, name) {
  const user = inventory.userByName.get(name);
  if (!user) return [heading("Users"), make("p", {}, (inventory.only.length > 0 ? "This page" : "The inventory") + " has no user " + name + ".")];
  const found = [];
  eachRow(inventory, (d, row) => {
    if (endsOf(inventory, d, row).users.includes(name)) found.push({ d, row });
  });
  const step = { kind: "user", user };
  const nodes = [heading(name)];
  if (!user.s) nodes.push(make("p", {}, stepText(inventory, step), user.f ? [" → ", targetText(inventory, user.f)] : ""));
  if (user.a) nodes.push(make("p", {}, "The sendmail command sends as ", addressLink(user.a), "."));
  if (user.s) return [...nodes, sendingTable(inventory, user)];
  return [
    ...nodes,
    table(count(found.length, "address", "addresses") + " with mail for this user", ["Address", "Goes to", "In the inventory"], found, ({ d, row }) => [
      row.key === "" || /\+[+*]$/.test(row.key) ? [row.key === "" ? ["anything else at ", domainLink(inventory, d)] : make("span", { class: "mono" }, keyText(inventory, d, row))] : addressLink(keyText(inventory, d, row)),
      [goesTo(inventory, d, row), noteOf(row.note)],
      [make("span", { class: "mono soft" }, inventory.place(row.at)), origin(inventory, d, row)],
    ]),
    sendingTable(inventory, user),
    ...pictureParts(inventory, flowsOfUser(inventory, name, found), "How mail reaches " + name),
  ];
}

// becauseOf says why one user may send from an address.
const becauseOf = { listed: "a sender of the address", gets: "gets its mail", domain: "a sender of the domain", own: "the address of the same name", account: "the account itself" };

// sendingTable shows the addresses from which a user may send.
function sendingTable(inventory, user) {
  const { senders } = inventory;
  if (!senders.any) return "";
  const rows = senders.from(user.n);
  const account = user.n + "@" + inventory.host;
  if (inventory.only.length === 0 && senders.of(account).why === "account") rows.push({ row: user, why: "account" });
  const nameOf = (d, row) => (d === undefined ? addressLink(account) : row.key === "" ? ["anything else at ", domainLink(inventory, d)] : addressLink(keyText(inventory, d, row)));
  return table(count(rows.length, "address", "addresses") + " from which this user may send", ["Address", "Why", "In the inventory"], rows, ({ d, row, why }) => [
    nameOf(d, row), becauseOf[why], [make("span", { class: "mono soft" }, inventory.place(row.at)), d !== undefined && origin(inventory, d, row)],
  ]);
}

function viewMX(inventory) {
  const nodes = [heading("MX records")];
  if (!inventory.mxAsked) return [...nodes, make("p", {}, "The DNS was not asked for this page. virtmap page --state DIR shows the verdicts of the last build, and virtmap mx asks now.")];
  const rank = { error: 0, unknown: 1, warning: 2, ok: 3 };
  const rows = [...inventory.mx].sort((a, b) => rank[a.verdict] - rank[b.verdict]);
  nodes.push(
    table("The verdicts of the last build on " + count(rows.length, "domain") + ", the worst first", ["Domain", "Verdict", "What to do", "Answer of"], rows, (v) => [
      linkTo("domain", v.n),
      [verdictText(v), ": " + v.text + " (" + v.id + ")", !v.served && "; it is not served"],
      [v.advice || "–", v.verdict !== "ok" && v.records && make("pre", {}, v.records.join("\n"))],
      v.checked ? make("span", { class: "day" }, v.checked) : "–",
    ]),
  );
  return nodes;
}

function viewFindings(inventory) {
  const rank = { error: 0, warning: 1, note: 2 };
  const rows = [...inventory.findings].sort((a, b) => rank[a.severity] - rank[b.severity]);
  const nodes = [heading("Findings")];
  if (rows.length === 0) return [...nodes, make("p", {}, "virtmap check found nothing.")];
  nodes.push(
    table(count(rows.length, "finding") + " of virtmap check", ["Place", "What", "Help"], rows, (f) => [
      make("span", { class: "mono" }, f.place || "–"),
      [make("span", { class: "word " + { error: "bad", warning: "warn", note: "soft" }[f.severity] }, f.severity), " " + f.text, make("span", { class: "soft" }, " [" + f.id + " " + f.name + "]"), f.also && make("p", { class: "soft" }, "See also " + f.also)],
      f.help,
    ]),
  );
  if (inventory.moreFound) nodes.push(make("p", {}, "And " + count(inventory.moreFound, "finding") + " more: ask virtmap check."));
  return nodes;
}
