
// targetText returns a target in words.
function targetText(inventory, to) {
  switch (to[0]) {
    case "!": {
      const r = inventory.refusals[Number(to.slice(1))];
      return (r.code < 500 ? "deferred: " : "refused: ") + r.code + " " + r.status + " " + r.text;
    }
    case "[": {
      const list = Inventory.parts(to);
      return list.members.map(Inventory.name).join(", ") + (list.bounces ? " (bounces go to " + Inventory.name(list.bounces) + ")" : "");
    }
    case "%":
      return to.slice(1);
    case "@":
      return "the same address at " + to.slice(1);
    case "~":
      return "the accounts of the server";
  }
  return Inventory.name(to);
}

// origin shows who lists a row: another domain, or the defaults.
function origin(inventory, d, row) {
  if (row.of === d) return "";
  return make("span", { class: "soft" }, row.of < 0 ? " (by the defaults)" : " (by same_as, from " + inventory.domains[row.of].n + ")");
}

// whyRefused are the reasons of a refusal.
const whyRefused = {
  foreign: "The server neither serves nor relays this domain",
  closed: "The domain is not enabled",
  unlisted: "The catch-all refuses it",
  listed: "The inventory refuses it",
  off: "The address is not enabled",
  detail: "An address with a detail is refused (detail: reject)",
  account: "The server has no such account or alias",
};

// stepText returns one step in words.
function stepText(inventory, step) {
  switch (step.kind) {
    case "backup":
      return [domainLink(inventory, step.domain), " is a backup domain: the mail goes on to its better MX hosts"];
    case "address":
      return addressStep(inventory, step);
    case "list":
      return ["A list of " + step.members.length + ": each of them gets the mail", step.bounces ? "; bounces go to " + Inventory.name(step.bounces) : ""];
    case "user": {
      const { n, m, f, k } = step.user;
      const box = m ? "the mailbox " + m : "the usual mailbox";
      return [linkTo("user", n), " is a user with " + (f ? "a forward" + (k ? ", and a copy for " + box : "") : box), placeOf(inventory, step.user.at), noteOf(step.user.o)];
    }
    case "alias":
      return [make("code", {}, step.name), " is a local alias: the server's own alias files say who gets the mail"];
    case "account":
      return [make("code", {}, step.name), " is left to the server, which has this account or alias"];
    case "elsewhere":
      return [make("code", {}, step.addr), " is at another server"];
    case "refused":
      return whyRefused[step.why].replace("refuses", step.code < 500 ? "defers" : "refuses");
  }
  return "";
}

function placeOf(inventory, at) {
  const place = inventory.place(at);
  return place ? [" ", make("span", { class: "soft mono" }, "(" + place + ")")] : "";
}

function addressStep(inventory, step) {
  const { row, domain, local } = step;
  const name = make("code", {}, local + "@" + inventory.domains[domain].n);
  const key = make("code", {}, row.key);
  const how = row.key === "" ? " is not listed: the catch-all decides" : row.key === local ? " is listed" : [" is listed as ", key];
  const drops = row.key !== "" && row.key !== local && !/^[![%~]/.test(row.to);
  const tried = step.tried.filter((key) => key !== local);
  return [
    name, how, origin(inventory, domain, row), placeOf(inventory, row.at), drops && (row.detail === "k" ? ", and the detail is kept" : ", and the detail is dropped"),
    row.to[0] === "!" ? "" : [" → ", make("span", { class: "mono" }, targetText(inventory, row.to))],
    noteOf(row.note),
    tried.length > 0 && make("p", { class: "soft" }, "Not listed: " + tried.join(", ")),
  ];
}

function stepList(inventory, steps) {
  return make("ol", { class: "steps" }, steps.map((step) => make("li", {}, make("div", {}, stepText(inventory, step)), step.then && step.then.length > 0 && stepList(inventory, step.then))));
}

// answerCard shows where mail for an address goes, and why.
function answerCard(inventory, asked) {
  const answer = inventory.answer(asked);
  if (answer.problem) return make("div", { class: "note" }, make("p", {}, answer.problem));
  const folded = answer.address !== asked && make("p", { class: "soft" }, "Looked up as " + answer.address);
  const end = answer.taken
    ? answer.recipients.length > 0
      ? ["Goes to ", separated(answer.recipients.map((r) => endLink(inventory, r)), ", ")]
      : "Accepted, then returned to the sender"
    : refusedText(answer);
  return make("section", { class: answer.taken ? "answer" : "answer refused", "aria-label": "Answer" },
    make("p", { class: "mono" }, asked), folded, make("p", { class: "end" }, end),
    make("p", { class: "soft" }, "Why:"), stepList(inventory, answer.steps), sendersOf(inventory, answer.address));
}

// whyMay are the reasons why users may send from an address.
const whyMay = {
  refused: "The address refuses mail: answers would be lost",
  listed: "The inventory lists the senders of the address",
  gets: "Who gets the mail of an address may send from it",
  own: "Each user may send from the address of the same name",
  account: "Each user may send from the account itself",
  far: "The way of its mail is too long for a page. Ask virtmap lookup --from",
};

function whyText({ why, further }) {
  return whyMay[why] + (further ? ", and so may the senders of the domain" : "");
}

// sendersOf says who may send from an address, if its domain sends.
function sendersOf(inventory, addr) {
  const right = inventory.senders.any && inventory.senders.of(addr);
  if (!right) return "";
  const who = right.users.length > 0 ? ["May send from it: ", namesOf(inventory, right.users)] : "Nobody may send from it";
  const checked = inventory.authorise ? "The server checks this when a user logs in." : "The server does not check this.";
  return [make("p", { class: "end" }, who), make("p", { class: "soft" }, whyText(right) + ". " + checked)];
}

// namesOf shows users, up to 20 of them.
function namesOf(inventory, users) {
  return [separated(users.slice(0, 20).map((n) => endLink(inventory, n)), ", "), users.length > 20 && " and " + (users.length - 20) + " more"];
}
