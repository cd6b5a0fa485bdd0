// SPDX-License-Identifier: MIT
// A table that changes in place. Each row is kept by its key, and only cells whose text differs
// are touched, so that nothing loses focus or selection. While somebody points into the rows,
// has the focus there or selects text, rows neither move nor go: those that are no more are
// greyed, new ones come at the end. A column is one row of a list in lists.js:
//   title   heads the column, and labels the cell where the table becomes cards
//   name    its class: `number`, `wide`, `quiet` …
//   text    (row, look) => what the cell says
//   draw    (cell, row, look) => void, instead of `text`: for more than text

const ROWS_MAX = 200; // more than that nobody reads, and drawing it would cost each round

/** An element with its class and text. */
export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Change a text only if it differs. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export class Table {
  #rows = new Map();

  /** `key` names a row; `empty` is said when there is none. */
  constructor(section, { caption, key, columns, empty }) {
    this.key = key;
    this.columns = columns;
    this.empty = element("p", "empty", empty);
    this.more = element("p", "empty");
    this.host = element("div", "scroll");
    this.table = element("table");
    this.table.setAttribute("role", "table"); // as cards too
    this.table.append(element("caption", "unseen", caption), this.#head());
    this.body = this.table.appendChild(element("tbody"));
    this.body.setAttribute("role", "rowgroup");
    this.host.append(this.table);
    this.host.setAttribute("aria-label", caption);
    this.host.hidden = this.empty.hidden = this.more.hidden = true;
    section.append(this.host, this.more, this.empty);
  }

  /** Show these rows; `look` is handed to the columns. */
  update(rows, look) {
    const shown = rows.slice(0, ROWS_MAX);
    const held = this.#isHeld();
    const keys = new Set();
    let next = this.body.firstElementChild;
    for (const row of shown) {
      const key = this.key(row);
      const tr = this.#rows.get(key) ?? this.#add(key);
      keys.add(key);
      this.#fill(tr, row, look);
      if (held) continue;
      if (tr === next) next = next.nextElementSibling;
      else this.body.insertBefore(tr, next);
    }
    for (const key of [...this.#rows.keys()]) if (!keys.has(key)) this.#lose(key, held);
    this.#frame(rows.length - shown.length);
  }

  /** Take a row out at once: its reader asked for that. The focus goes on to its neighbour;
   *  returns whether there was one to take it. */
  remove(key, focusable) {
    const tr = this.#rows.get(key);
    if (!tr) return true;
    const heir = tr.nextElementSibling ?? tr.previousElementSibling;
    const target = heir?.querySelector(focusable);
    if (tr.contains(document.activeElement)) target?.focus();
    this.#lose(key, false);
    this.#frame(0);
    return Boolean(target);
  }

  #isHeld() {
    const selection = getSelection();
    return (
      this.body.contains(document.activeElement) ||
      (matchMedia("(hover: hover)").matches && this.body.matches(":hover")) ||
      (!selection.isCollapsed && this.body.contains(selection.anchorNode))
    );
  }

  #head() {
    const thead = element("thead");
    const tr = thead.appendChild(element("tr"));
    thead.setAttribute("role", "rowgroup");
    tr.setAttribute("role", "row");
    for (const { title, name } of this.columns) {
      const th = tr.appendChild(element("th", name));
      th.append(element("span", title.startsWith("(") ? "unseen" : "", title));
      th.scope = "col";
      th.setAttribute("role", "columnheader");
    }
    return thead;
  }

  #add(key) {
    const tr = element("tr");
    tr.setAttribute("role", "row");
    this.columns.forEach(({ title, name }, i) => {
      const cell = tr.appendChild(element(i === 0 ? "th" : "td", name));
      cell.setAttribute("role", i === 0 ? "rowheader" : "cell");
      if (i === 0) cell.scope = "row";
      cell.dataset.label = title;
    });
    this.#rows.set(key, tr);
    this.body.append(tr);
    return tr;
  }

  #fill(tr, row, look) {
    tr.classList.remove("gone");
    this.columns.forEach(({ text, draw }, i) => {
      const cell = tr.children[i];
      if (draw) {
        draw(cell, row, look);
        return;
      }
      const said = text(row, look);
      say(cell, said);
      cell.classList.toggle("zero", said === "0" || said === "–");
    });
  }

  #lose(key, held) {
    const tr = this.#rows.get(key);
    if (held) {
      tr.classList.add("gone");
      return;
    }
    tr.remove();
    this.#rows.delete(key);
  }

  /** What stands around the rows. Only a table wider than its place is stopped at by Tab. */
  #frame(more) {
    const isEmpty = this.#rows.size === 0;
    this.host.hidden = isEmpty;
    this.empty.hidden = !isEmpty;
    this.more.hidden = more === 0;
    say(this.more, `${more} more are not shown here.`);
    const isWide = this.host.scrollWidth > this.host.clientWidth;
    for (const [name, value] of [
      ["tabindex", "0"],
      ["role", "region"],
    ]) {
      if (isWide) this.host.setAttribute(name, value);
      else this.host.removeAttribute(name);
    }
  }
}
