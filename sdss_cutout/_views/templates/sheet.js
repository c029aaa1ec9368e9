"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const by = (id) => document.getElementById(id);
  const column = Object.fromEntries(data.columns.map((c) => [c.name, c]));
  const names = column.name.values;
  const statuses = column.status.values;
  const count = names.length;
  const MARK = "mark";
  const RADIAN = Math.PI / 180;

  // ------------------------------------------------------------------------------ small helpers

  const element = (tag, properties = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(properties)) {
      if (key in made) made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };
  const thousands = (n) => n.toLocaleString("en");
  const hasPicture = (row) => statuses[row] === "ok" || statuses[row] === "kept";
  const file = (row, suffix) => data.pictures + encodeURIComponent(names[row]) + suffix;
  const shown = (value) => {
    if (value === null || value === undefined) return "";
    return typeof value === "number" ? String(Number(value.toPrecision(12))) : String(value);
  };
  // While the dialog is open, nothing outside of it is heard.
  const say = (text) => { by(by("viewer").open ? "viewer-status" : "status").textContent = text; };

  // Storage may be forbidden; then marks live as long as the page.
  const store = {
    memory: {},
    lasting: true,
    get(key) {
      try { return localStorage.getItem(key); } catch { this.lasting = false; return this.memory[key] ?? null; }
    },
    set(key, value) {
      this.memory[key] = value;
      try { localStorage.setItem(key, value); } catch { this.lasting = false; }
    },
  };

  // -------------------------------------------------------------------------------------- marks

  // All pages opened from the disk may share one storage, so the key holds the page's place.
  const marksKey = "sdss_cutout marks of " + location.pathname;
  let marks = new Map();
  const loadMarks = () => {
    try { marks = new Map(Object.entries(JSON.parse(store.get(marksKey) ?? "{}"))); } catch { marks = new Map(); }
  };
  const setMark = (row, mark) => {
    loadMarks(); // another tab may have marked since
    const name = names[row];
    if (mark === "" || marks.get(name) === mark) marks.delete(name);
    else marks.set(name, mark);
    store.set(marksKey, JSON.stringify(Object.fromEntries(marks)));
    showMarks(row);
    say(`${name}: ${marks.has(name) ? "marked " + marks.get(name) : "not marked"}`);
  };
  const markOf = (row) => marks.get(names[row]) ?? "";
  const tally = () => {
    let good = 0, bad = 0;
    for (let row = 0; row < count; row++) {
      if (markOf(row) === "good") good++;
      else if (markOf(row) === "bad") bad++;
    }
    by("tally").textContent = `${thousands(good)} good, ${thousands(bad)} bad`
      + (store.lasting ? "" : "; this browser will not keep them: export before you close");
    by("export").disabled = by("clear").disabled = good + bad === 0;
  };
  const showMarks = (row) => {
    const tile = grid.querySelector(`[data-row="${row}"]`);
    if (tile) dressTile(tile, row);
    if (row === current) dressViewer();
    tally();
  };

  const quoted = (value) => {
    const text = shown(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const marksAsCsv = () => {
    const lines = [["name", "mark", "file", "ra", "dec"]];
    for (let row = 0; row < count; row++) {
      if (!markOf(row)) continue;
      const [ra, dec] = data.asked[row] ?? [null, null];
      lines.push([names[row], markOf(row), hasPicture(row) ? names[row] + ".jpg" : "", ra, dec]);
    }
    return lines.map((line) => line.map(quoted).join(",") + "\r\n").join("");
  };
  by("export").addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([marksAsCsv()], { type: "text/csv" }));
    const link = element("a", { href: url, download: "marks.csv" });
    link.click();
    URL.revokeObjectURL(url);
    say("The marks are in marks.csv, among the downloads.");
  });
  by("clear").addEventListener("click", () => {
    if (!confirm("Clear all marks of this page?")) return;
    marks.clear();
    store.set(marksKey, "{}");
    arrange();
  });
  addEventListener("storage", (event) => {
    if (event.key !== marksKey) return;
    loadMarks();
    arrange();
  });

  // ---------------------------------------------------------------------------- sort and filter

  const valueOf = (name, row) => (name === MARK ? markOf(row) || null : column[name].values[row]);
  const kindOf = (name) => (name === MARK ? "text" : column[name].kind);
  const parse = (text, kind) => {
    if (kind === "text") return text;
    if (text.trim() === "") return null;
    if (kind === "integer") {
      try { return BigInt(text.trim()); } catch { /* 1.5 is comparable with whole numbers too */ }
    }
    const number = Number(text);
    return Number.isNaN(number) ? null : number;
  };
  // Missing values are null; the infinities travel as text.
  const comparable = (value, kind) => {
    if (value === null || value === undefined) return null;
    if (kind === "integer") return BigInt(value);
    return kind === "number" ? Number(value) : String(value);
  };
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const compare = (a, b, kind) => (kind === "text" ? collator.compare(a, b) : a < b ? -1 : a > b ? 1 : 0);

  const TESTS = {
    "contains": (value, wanted, raw) => shown(value).toLowerCase().includes(raw.toLowerCase()),
    "=": (value, wanted, raw, kind) => compare(value, wanted, kind) === 0,
    "\u2260": (value, wanted, raw, kind) => compare(value, wanted, kind) !== 0,
    "<": (value, wanted, raw, kind) => compare(value, wanted, kind) < 0,
    "\u2264": (value, wanted, raw, kind) => compare(value, wanted, kind) <= 0,
    ">": (value, wanted, raw, kind) => compare(value, wanted, kind) > 0,
    "\u2265": (value, wanted, raw, kind) => compare(value, wanted, kind) >= 0,
    "is missing": null,
    "is there": null,
  };
  const testOf = (filter) => {
    const name = filter.querySelector(".column").value;
    const how = filter.querySelector(".how").value;
    const input = filter.querySelector(".wanted");
    const kind = kindOf(name);
    const missing = (row) => { const value = valueOf(name, row); return value === null || value === ""; };
    input.hidden = how.startsWith("is ");
    input.removeAttribute("aria-invalid");
    if (how === "is missing") return missing;
    if (how === "is there") return (row) => !missing(row);
    if (input.value === "") return () => true;
    const wanted = how === "contains" ? "" : parse(input.value, kind);
    if (wanted === null) {
      input.setAttribute("aria-invalid", "true");
      return () => true;
    }
    return (row) => {
      const value = comparable(valueOf(name, row), kind);
      return value !== null && TESTS[how](value, wanted, input.value, kind);
    };
  };

  const haystacks = new Array(count);
  const haystack = (row) => (haystacks[row] ??= data.columns.map((c) => shown(c.values[row])).join("\n").toLowerCase());

  let rows = [];
  let page = 0;
  let focused = 0; // place in `rows` of the one tile that Tab reaches

  const matching = () => {
    const search = by("search").value.trim().toLowerCase();
    const tests = [...document.querySelectorAll(".filter")].map(testOf);
    if (search) tests.push((row) => haystack(row).includes(search));
    const found = [];
    for (let row = 0; row < count; row++) if (tests.every((test) => test(row))) found.push(row);
    return found;
  };
  const sorted = (found) => {
    const name = by("sort").value;
    const sign = by("direction").getAttribute("aria-pressed") === "true" ? -1 : 1;
    if (name === "") return sign > 0 ? found : found.reverse();
    const kind = kindOf(name);
    const keys = new Map(found.map((row) => [row, comparable(valueOf(name, row), kind)]));
    return found.sort((a, b) => {
      const x = keys.get(a), y = keys.get(b);
      if (x === null || y === null) return (x === null) - (y === null) || a - b;
      return sign * compare(x, y, kind) || a - b;
    });
  };
  const arrange = () => {
    rows = sorted(matching());
    page = focused = 0;
    draw();
    tally();
  };

  const addFilter = () => {
    const number = document.querySelectorAll(".filter").length + 1;
    const filter = element("fieldset", { className: "filter" },
      element("legend", { className: "hidden", textContent: `Filter ${number}` }),
      element("label", {}, "Column ", element("select", { className: "column" }, ...columnOptions())),
      element("select", { className: "how", ariaLabel: "Condition" },
        ...Object.keys(TESTS).map((how) => element("option", { value: how, textContent: how }))),
      element("input", { className: "wanted", ariaLabel: "Value", autocomplete: "off" }),
      element("button", { type: "button", className: "remove", textContent: "Remove" }));
    by("filters").append(filter);
    filter.querySelector(".column").focus();
  };
  const columnOptions = () => [MARK, ...data.columns.map((c) => c.name)].map((name) => element("option", {
    value: name,
    textContent: name + (column[name]?.unit ? ` [${column[name].unit}]` : ""),
  }));
  by("sort").append(element("option", { value: "", textContent: "order of the targets" }), ...columnOptions());
  by("add-filter").addEventListener("click", addFilter);
  by("filters").addEventListener("click", (event) => {
    if (!event.target.matches(".remove")) return;
    event.target.closest(".filter").remove();
    by("add-filter").focus();
    arrange();
  });
  by("tools").addEventListener("submit", (event) => event.preventDefault());
  for (const kind of ["input", "change"]) by("filters").addEventListener(kind, arrange);
  by("search").addEventListener("input", arrange);
  by("sort").addEventListener("change", arrange);
  by("per-page").addEventListener("change", () => showPlace(focused));
  by("direction").addEventListener("click", (event) => {
    const down = event.target.getAttribute("aria-pressed") !== "true";
    event.target.setAttribute("aria-pressed", String(down));
    event.target.textContent = down ? "Descending" : "Ascending";
    arrange();
  });
  by("size").addEventListener("input", (event) => {
    grid.style.setProperty("--tile", event.target.value + "px");
  });

  // --------------------------------------------------------------------------------------- grid

  const grid = by("grid");
  const perPage = () => Number(by("per-page").value);
  const pages = () => Math.max(Math.ceil(rows.length / perPage()), 1);

  const makeTile = (row) => {
    const frame = element("span", { className: "frame" });
    if (hasPicture(row)) frame.append(element("img", { loading: "lazy", decoding: "async", alt: "", src: file(row, ".jpg") }));
    else {
      frame.classList.add("empty", statuses[row]);
      frame.append(statuses[row]);
    }
    const open = element("button", { type: "button", className: "open", tabIndex: -1 },
      frame, element("span", { className: "name", textContent: names[row] }));
    const key = sortKey();
    if (key) open.append(element("span", { className: "extra", textContent: `${key} ${shown(valueOf(key, row))}` }));
    const marks = element("div", { className: "marks" }, markButton("good"), markButton("bad"));
    const tile = element("li", { className: "tile" }, open, marks);
    tile.dataset.row = row;
    dressTile(tile, row);
    return tile;
  };
  const sortKey = () => (["", "name", MARK].includes(by("sort").value) ? "" : by("sort").value);
  const markButton = (mark) => element("button", {
    type: "button", className: `${mark}-button`, tabIndex: -1, textContent: mark,
  });
  const dressTile = (tile, row) => {
    const mark = markOf(row);
    tile.classList.toggle("good", mark === "good");
    tile.classList.toggle("bad", mark === "bad");
    tile.querySelector(".open").ariaLabel = [names[row], statuses[row], mark && "marked " + mark].filter(Boolean).join(", ");
    for (const which of ["good", "bad"]) {
      const button = tile.querySelector(`.${which}-button`);
      button.ariaLabel = `Mark ${names[row]} ${which}`;
      button.ariaPressed = String(mark === which);
    }
  };
  const draw = () => {
    const start = page * perPage();
    grid.replaceChildren(...rows.slice(start, start + perPage()).map(makeTile));
    reach(focused);
    drawPages();
    by("status").textContent = summary();
  };
  const summary = () => {
    const start = page * perPage();
    const end = Math.min(start + perPage(), rows.length);
    return rows.length
      ? `Showing ${thousands(start + 1)} to ${thousands(end)} of ${thousands(rows.length)}`
        + (rows.length < count ? ` that fit, of ${thousands(count)} in all` : "")
      : count ? "No target fits." : "There are no targets.";
  };
  const drawPages = () => {
    for (const nav of document.querySelectorAll(".pages")) {
      if (pages() === 1) { nav.replaceChildren(); continue; }
      const choose = element("select", { ariaLabel: "Page" },
        ...Array.from({ length: pages() }, (_, n) => element("option", { value: n, textContent: n + 1, selected: n === page })));
      choose.addEventListener("change", () => showPage(Number(choose.value), nav, "select"));
      const step = (text, change, off) => {
        const button = element("button", { type: "button", textContent: text, disabled: off, className: text.toLowerCase() });
        button.addEventListener("click", () => showPage(page + change, nav, "." + button.className));
        return button;
      };
      nav.replaceChildren(step("Previous", -1, page === 0), element("label", {}, "Page ", choose, ` of ${pages()}`), step("Next", 1, page === pages() - 1));
    }
  };
  const showPage = (number, nav, control) => {
    page = number;
    focused = page * perPage();
    draw();
    // The control that was used is made anew; whoever uses the keyboard stays on it.
    const again = nav.querySelector(control);
    (again.disabled ? nav.querySelector("select") : again).focus({ preventScroll: true });
    grid.scrollIntoView({ block: "start" });
  };
  const showPlace = (place) => {
    focused = Math.max(Math.min(place, rows.length - 1), 0);
    const wanted = Math.floor(focused / perPage());
    if (wanted !== page || grid.children.length !== Math.min(perPage(), rows.length - wanted * perPage())) {
      page = wanted;
      draw();
    } else reach(focused);
  };
  // Tab reaches one tile and its marks; arrow keys go to the others.
  const reach = (place) => {
    focused = place;
    for (const button of grid.querySelectorAll('button[tabindex="0"]')) button.tabIndex = -1;
    const tile = grid.children[place - page * perPage()];
    if (tile) for (const button of tile.querySelectorAll("button")) button.tabIndex = 0;
    return tile;
  };
  const go = (place) => {
    if (place < 0 || place >= rows.length) return;
    showPlace(place);
    reach(place).querySelector(".open").focus();
  };
  const placeOf = (tile) => page * perPage() + [...grid.children].indexOf(tile);
  const across = () => {
    const top = grid.children[0]?.offsetTop;
    const next = [...grid.children].findIndex((tile) => tile.offsetTop !== top);
    return next < 0 ? grid.children.length : next;
  };

  grid.addEventListener("focusin", (event) => {
    const tile = event.target.closest(".tile");
    if (tile) reach(placeOf(tile));
  });
  grid.addEventListener("click", (event) => {
    const tile = event.target.closest(".tile");
    const button = event.target.closest("button");
    if (!button) return;
    const row = Number(tile.dataset.row);
    if (button.matches(".open")) view(placeOf(tile));
    else setMark(row, button.matches(".good-button") ? "good" : "bad");
  });
  const markKeys = { g: "good", b: "bad", u: "" };
  const plain = (event) => !(event.ctrlKey || event.metaKey || event.altKey);
  grid.addEventListener("keydown", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile || !plain(event)) return;
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across(), ArrowDown: across() };
    if (event.key in moves) go(placeOf(tile) + moves[event.key]);
    else if (event.key === "Home") go(page * perPage());
    else if (event.key === "End") go(page * perPage() + grid.children.length - 1);
    else if (event.key in markKeys) setMark(Number(tile.dataset.row), markKeys[event.key]);
    else return;
    event.preventDefault();
  });
  grid.addEventListener("error", (event) => {
    const frame = event.target.closest(".frame");
    frame.classList.add("empty", "failed");
    frame.replaceChildren("the file is missing");
  }, true);

  // ---------------------------------------------------------------------------------------- sky

  // 0-based index of a pixel's middle, row 0 at the top, to degrees. null: off the sky.
  const skyAt = (row, x, y) => {
    const at = data.sky.rows[row];
    if (!at) return null;
    const [number, ra0, dec0] = at;
    const [crpix1, crpix2, cd11, cd12, cd21, cd22, projection] = data.sky.frames[number];
    const p = x + 1 - crpix1, q = y + 1 - crpix2;
    let east = (cd11 * p + cd12 * q) * RADIAN;
    let north = (cd21 * p + cd22 * q) * RADIAN;
    const square = east * east + north * north;
    let outward; // along the line of sight to the reference point
    if (projection === "TAN") {
      outward = 1 / Math.sqrt(1 + square);
      east *= outward;
      north *= outward;
    } else {
      if (square > 1) return null;
      outward = Math.sqrt(1 - square);
    }
    const sin = Math.sin(dec0 * RADIAN), cos = Math.cos(dec0 * RADIAN);
    const meridian = outward * cos - north * sin;
    const ra = ra0 + Math.atan2(east, meridian) / RADIAN;
    const dec = Math.atan2(outward * sin + north * cos, Math.hypot(east, meridian)) / RADIAN;
    return [((ra % 360) + 360) % 360, dec];
  };
  const sexagesimal = (value, digits, marks, whole) => {
    const unit = 10 ** digits;
    let rest = Math.round(value * 3600 * unit) % (whole * 3600 * unit);
    const seconds = rest % (60 * unit);
    rest = Math.round((rest - seconds) / (60 * unit));
    const pad = (n) => String(n).padStart(2, "0");
    return pad(Math.floor(rest / 60)) + marks[0] + pad(rest % 60) + marks[1]
      + (seconds / unit).toFixed(digits).padStart(digits + 3, "0") + marks[2];
  };
  const positionText = (row, x, y) => {
    const sky = skyAt(row, x, y);
    const pixel = `pixel x ${x.toFixed(1)}, y ${y.toFixed(1)}`;
    if (!sky) return (data.sky.rows[row] ? "off the sky\n" : "no coordinates: the sidecar is missing or of another kind\n") + pixel;
    const [ra, dec] = sky;
    return `RA ${ra.toFixed(7)}\u00b0, Dec ${dec.toFixed(7)}\u00b0\n`
      + sexagesimal(ra / 15, 3, ["h ", "m ", "s"], 24) + ", "
      + (dec < 0 ? "\u2212" : "+") + sexagesimal(Math.abs(dec), 2, ["\u00b0 ", "\u2032 ", "\u2033"], 360) + "\n" + pixel;
  };

  // ------------------------------------------------------------------------------------- viewer

  const viewer = by("viewer"), picture = by("picture"), viewport = by("viewport");
  let current = null; // the row that is shown
  let zoom = null; // screen pixels a pixel; null: as large as there is room
  let cross = null; // the crosshair's pixel

  const size = (row) => [column.width.values[row], column.height.values[row]];
  const fitting = (row) => {
    const [width, height] = size(row);
    return Math.min(viewport.clientWidth / width, viewport.clientHeight / height);
  };
  const layOut = () => {
    if (current === null || !hasPicture(current)) return;
    const [width, height] = size(current);
    const scale = zoom ?? fitting(current);
    picture.style.width = width * scale + "px";
    picture.style.height = height * scale + "px";
    picture.classList.toggle("magnified", scale >= 4);
    viewport.classList.toggle("fits", zoom === null); // else rounding would bring scroll bars
    by("magnification").textContent = `${Number(scale.toPrecision(2))}\u00d7`;
    by("fit").ariaPressed = String(zoom === null);
    showCross();
  };
  const zoomBy = (factor) => {
    const middle = (start, shown, whole) => (start + shown / 2) / whole;
    const x = middle(viewport.scrollLeft, viewport.clientWidth, viewport.scrollWidth);
    const y = middle(viewport.scrollTop, viewport.clientHeight, viewport.scrollHeight);
    zoom = Math.min(Math.max((zoom ?? fitting(current)) * factor, 0.125), 32);
    layOut();
    // The crosshair comes into view; without one, what was in the middle stays there.
    if (cross) by("crosshair").scrollIntoView({ block: "center", inline: "center" });
    else viewport.scrollTo(x * viewport.scrollWidth - viewport.clientWidth / 2, y * viewport.scrollHeight - viewport.clientHeight / 2);
  };
  const showCross = () => {
    by("crosshair").hidden = cross === null;
    if (cross === null) return;
    const [width, height] = size(current);
    by("crosshair").style.left = ((cross[0] + 0.5) / width) * 100 + "%";
    by("crosshair").style.top = ((cross[1] + 0.5) / height) * 100 + "%";
  };
  const moveCross = (dx, dy) => {
    if (!hasPicture(current)) return;
    const [width, height] = size(current);
    const [x, y] = cross ?? [Math.floor(width / 2) - dx, Math.floor(height / 2) - dy];
    cross = [Math.min(Math.max(x + dx, 0), width - 1), Math.min(Math.max(y + dy, 0), height - 1)];
    showCross();
    by("crosshair").scrollIntoView({ block: "nearest", inline: "nearest" });
    tell(positionText(current, ...cross), true);
  };
  // The keyboard's position is spoken, the pointer's would never end.
  const tell = (text, aloud) => {
    by("readout").ariaLive = aloud ? "polite" : "off";
    by("readout").textContent = text;
  };
  const follow = (event) => {
    const box = picture.getBoundingClientRect();
    const [width, height] = size(current);
    const x = ((event.clientX - box.left) / box.width) * width - 0.5;
    const y = ((event.clientY - box.top) / box.height) * height - 0.5;
    tell(positionText(current, x, y), false);
  };
  picture.addEventListener("pointermove", follow);
  picture.addEventListener("pointerdown", follow);

  const view = (place) => {
    if (place < 0 || place >= rows.length) return;
    showPlace(place);
    current = rows[place];
    cross = null;
    const there = hasPicture(current);
    by("viewer-name").textContent = names[current];
    by("stage").hidden = !there;
    by("instead").hidden = there;
    by("instead").textContent = there ? "" : `${statuses[current]}: ${shown(column.error.values[current])}`;
    if (there) picture.src = file(current, ".jpg");
    else picture.removeAttribute("src");
    picture.alt = there ? `Cutout ${names[current]}` : "";
    for (const id of ["smaller", "fit", "larger"]) by(id).disabled = !there;
    by("previous").disabled = place === 0;
    by("next").disabled = place === rows.length - 1;
    tell(there ? "Point at the picture, or press Shift and an arrow key, for coordinates." : "", false);
    drawLinks();
    drawValues();
    dressViewer();
    if (!viewer.open) viewer.showModal();
    layOut();
    const name = by("viewer-name");
    if (document.activeElement === document.body || !viewer.contains(document.activeElement) || document.activeElement.disabled) name.focus();
    say(`${names[current]}, ${thousands(place + 1)} of ${thousands(rows.length)}, ${statuses[current]}`);
  };
  const drawLinks = () => {
    const links = [];
    const outside = (text, href) => element("a", { href, textContent: text, target: "_blank", rel: "noopener noreferrer" });
    const asked = data.asked[current];
    if (asked) links.push(outside("SkyServer Navigate", asked[2]), outside("The request", column.url.values[current]));
    if (hasPicture(current)) links.push(element("a", { href: file(current, ".jpg"), textContent: "JPEG" }), element("a", { href: file(current, ".wcs"), textContent: "FITS header" }));
    by("links").replaceChildren(...links);
  };
  const drawValues = () => {
    by("values").replaceChildren(...data.columns.map((c) => element("tr", {},
      element("th", { scope: "row", textContent: c.name }),
      element("td", { textContent: shown(c.values[current]) + (c.unit && c.values[current] !== null ? " " + c.unit : "") }))));
  };
  const dressViewer = () => {
    by("mark-good").ariaPressed = String(markOf(current) === "good");
    by("mark-bad").ariaPressed = String(markOf(current) === "bad");
  };
  picture.addEventListener("error", () => {
    by("stage").hidden = true;
    by("instead").hidden = false;
    by("instead").textContent = "the file is missing";
  });

  const step = (change) => view(focused + change);
  by("previous").addEventListener("click", () => step(-1));
  by("next").addEventListener("click", () => step(1));
  by("close").addEventListener("click", () => viewer.close());
  by("mark-good").addEventListener("click", () => setMark(current, "good"));
  by("mark-bad").addEventListener("click", () => setMark(current, "bad"));
  by("smaller").addEventListener("click", () => zoomBy(0.5));
  by("larger").addEventListener("click", () => zoomBy(2));
  by("fit").addEventListener("click", () => { zoom = null; layOut(); });
  viewer.addEventListener("close", () => {
    const place = rows.indexOf(current); // the browser has put the focus elsewhere by now
    current = null;
    go(place);
  });
  viewer.addEventListener("keydown", (event) => {
    if (!plain(event)) return;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.shiftKey && event.key in moves) moveCross(...moves[event.key]);
    else if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else if (event.key in markKeys) setMark(current, markKeys[event.key]);
    else if (event.key === "+" || event.key === "=") by("larger").click();
    else if (event.key === "-") by("smaller").click();
    else if (event.key === "0") by("fit").click();
    else return;
    event.preventDefault();
  });
  addEventListener("resize", layOut);

  // -------------------------------------------------------------------------------------- theme

  const THEMES = { "": "as the system", light: "light", dark: "dark" };
  const themeKey = "sdss_cutout theme";
  const setTheme = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    by("theme").textContent = "Theme: " + THEMES[theme];
  };
  by("theme").addEventListener("click", () => {
    const order = Object.keys(THEMES);
    const now = document.documentElement.dataset.theme ?? "";
    const theme = order[(order.indexOf(now) + 1) % order.length];
    setTheme(theme);
    store.set(themeKey, theme);
  });

  // -------------------------------------------------------------------------------------- start

  const of = {};
  for (const status of statuses) of[status] = (of[status] ?? 0) + 1;
  by("summary").textContent = `${thousands(count)} targets: `
    + Object.entries(of).map(([status, n]) => `${status} ${thousands(n)}`).join(", ");
  const theme = store.get(themeKey) ?? "";
  setTheme(theme in THEMES ? theme : "");
  loadMarks();
  arrange();
})();
