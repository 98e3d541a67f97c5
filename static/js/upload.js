// Uploads in pieces: pause, resume (after a reload too), progress. The form works without.

const MIB = 1024 * 1024;
const CHUNK = 32 * MIB; // a proxy that collects bodies first loses no more than this
const DELAYS = [1, 2, 5, 10, 20, 30, ...Array(12).fill(60)].map((seconds) => seconds * 1000);
const RATE_SECONDS = 15;
const HEADER_MOST = 7000; // servers take header fields of 8 KB

const panel = document.getElementById("upload");
const form = document.getElementById("submit-form");
const field = document.getElementById("id_archive");
const find = (name) => panel.querySelector(`[data-${name}]`);

let upload = null; // the one at work
let samples = []; // [milliseconds, bytes] of the last seconds
let told = 0; // the last quarter that was read out
let ended = false; // nothing is left to resume

// What is shown -----------------------------------------------------------------------------------

function size(bytes) {
  const units = ["bytes", "KB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return `${(bytes / 1024 ** power).toFixed(power > 1 ? 1 : 0)} ${units[power]}`;
}

function amount(done, total) {
  const [first, second] = [size(done), size(total)];
  const unit = second.split(" ")[1];
  return first.endsWith(` ${unit}`)
    ? `${first.split(" ")[0]} of ${second}`
    : `${first} of ${second}`;
}

function duration(seconds) {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return "less than a minute left";
  const hours = Math.floor(minutes / 60);
  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
  if (!hours) return `about ${plural(minutes, "minute")} left`;
  return `about ${plural(hours, "hour")} ${plural(minutes % 60, "minute")} left`;
}

function rate(now, done, total) {
  samples.push([now, done]);
  samples = samples.filter(([at]) => now - at < RATE_SECONDS * 1000);
  const [[since, from]] = samples;
  const speed = ((done - from) / Math.max(1, now - since)) * 1000;
  if (now - since < 1000 || speed <= 0) return "";
  return `${size(speed)} a second, ${duration((total - done) / speed)}`;
}

function progress(done, total) {
  find("bar").max = total;
  find("bar").value = done;
  find("amount").textContent = amount(done, total);
  find("rate").textContent = rate(performance.now(), done, total);
  note("");
  const quarter = Math.floor((4 * done) / total);
  if (quarter > told && quarter < 4) say(`${25 * quarter} percent have arrived.`);
  told = Math.max(told, quarter);
}

/** Words for who listens: few of them. */
function say(text) {
  find("said").textContent = text;
}

/** Words beside the bar; blank ones hide their place. */
function note(text, kind = "warn") {
  find("note").hidden = !text;
  find("note").className = `notice notice-${kind}`;
  find("note").textContent = text;
}

function show(state) {
  panel.dataset.state = state;
  find("title").textContent = { sending: "Uploading", paused: "Paused:", ended: "Not uploaded:" }[state];
  find("pause").hidden = state !== "sending";
  find("resume").hidden = state !== "paused";
  find("cancel-part").hidden = state === "ended";
  find("again").hidden = state !== "ended";
  if (state !== "sending") find("rate").textContent = "";
}

// Sending -----------------------------------------------------------------------------------------

function token() {
  const found = document.cookie.match(/(?:^|; )csrftoken=([^;]*)/);
  return found ? decodeURIComponent(found[1]) : form.elements.csrfmiddlewaretoken.value;
}

/** Begin to send `file` to the upload at `url`, from wherever it is. */
function send(file, url) {
  samples = [];
  ended = false;
  upload = new tus.Upload(file, {
    uploadUrl: url,
    chunkSize: CHUNK,
    retryDelays: DELAYS,
    storeFingerprintForResuming: false, // the page knows them from the server
    onBeforeRequest: (request) => request.setHeader("X-CSRFToken", token()),
    onProgress: progress,
    onShouldRetry: (error) => {
      const again = retried(status(error));
      if (again) note(`${reason(error)} Trying again …`);
      return again;
    },
    onError: stopped,
    onSuccess: () => {
      say("All has arrived.");
      location.assign(url.replace(/upload$/, ""));
    },
  });
  open(file.name);
  go();
}

function open(name) {
  form.hidden = true;
  for (const other of document.querySelectorAll("[data-unfinished], [data-quota]")) other.hidden = true;
  panel.hidden = false;
  find("name").textContent = name;
  panel.querySelector("h2").focus();
}

function go() {
  told = 0;
  samples = [];
  show("sending");
  note("");
  say("Uploading.");
  upload.start();
}

function pause() {
  upload.abort();
  show("paused");
  say("Paused.");
  find("resume").focus();
}

async function cancel() {
  upload.abort();
  show("paused");
  const headers = { "Tus-Resumable": "1.0.0", "X-CSRFToken": token() };
  try {
    const answer = await fetch(upload.url, { method: "DELETE", headers });
    if (answer.ok || answer.status === 410) return location.reload();
    note(`Not cancelled: ${(await answer.text()).trim()}`, "bad");
  } catch {
    note("Not cancelled: the server does not answer. Please try again.", "bad");
  }
}

function stopped(error) {
  ended = [404, 409, 410, 413].includes(status(error));
  show(ended ? "ended" : "paused");
  const text = reason(error) + (ended ? "" : " What arrived is kept; resume when you like.");
  note(text, "bad");
  say(text);
}

function status(error) {
  return error.originalResponse ? error.originalResponse.getStatus() : 0;
}

function retried(code) {
  return code === 0 || code === 409 || code === 423 || code === 429 || code >= 500;
}

function reason(error) {
  const code = status(error);
  if (!code) return error.originalRequest ? "The server does not answer." : `${error.message}.`;
  if (code === 401) return "You were signed out: sign in again in another tab.";
  if (code === 403) return "The server refused it: sign in again in another tab.";
  const body = error.originalResponse.getBody() || "";
  return body && !body.startsWith("<") ? body.trim() : `The server answered ${code}.`;
}

// Beginning ---------------------------------------------------------------------------------------

/** By which a file is known again: its size and its ends, wherever it lies and is called. */
async function fingerprint(file) {
  if (!crypto.subtle) return `${file.size}-${file.lastModified}`;
  const known = new Blob([`${file.size} `, file.slice(0, MIB), file.slice(-MIB)]);
  const digest = await crypto.subtle.digest("SHA-256", await known.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function coded(text) {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

function metadata(file, mark) {
  const values = new FormData(form);
  for (const name of ["csrfmiddlewaretoken", "archive"]) values.delete(name);
  values.set("filename", file.name);
  values.set("fingerprint", mark);
  return [...values]
    .filter(([, value]) => value)
    .map(([key, value]) => `${key} ${coded(value)}`)
    .join(",");
}

/** Ask for a new upload; its address, or nothing where the form was not taken. */
async function begin(file, mark) {
  const fields = metadata(file, mark);
  if (fields.length > HEADER_MOST) {
    return void refused({
      description: ["Too long for an upload: shorten it, or put it into submission.json."],
    });
  }
  const headers = {
    "Tus-Resumable": "1.0.0",
    "X-CSRFToken": token(),
    "Upload-Length": String(file.size),
    "Upload-Metadata": fields,
    "Idempotency-Key": key(),
  };
  let answer;
  for (const delay of [1000, 3000, 0]) {
    try {
      answer = await fetch(panel.dataset.endpoint, { method: "POST", headers });
      break;
    } catch {
      // The answer may be lost where the upload has begun: the same key finds it again.
      await new Promise((done) => setTimeout(done, delay));
    }
  }
  if (!answer) return void refused({ __all__: ["The server does not answer. Please try again."] });
  if (answer.status === 201) return new URL(answer.headers.get("Location"), location.href).href;
  if (answer.status === 422) return void refused((await answer.json()).errors);
  const text = (await answer.text()).trim();
  refused({
    __all__: [text && !text.startsWith("<") ? text : `The server answered ${answer.status}.`],
  });
}

function key() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}

/** Show problems beside their fields, as the page does that the server sends. */
function refused(errors) {
  forgive();
  const alert = document.getElementById("refused");
  alert.hidden = false;
  alert.querySelector("span").textContent = errors.__all__
    ? errors.__all__.join(" ")
    : "Please look at what is marked below.";
  for (const [name, lines] of Object.entries(errors)) {
    const named = { filename: "archive" }[name] || name;
    const control = form.elements[named];
    const input = control instanceof RadioNodeList ? control[0] : control;
    if (!input) continue;
    const list = document.createElement("ul");
    list.className = "errorlist";
    list.id = `refused-${named}`;
    list.append(
      ...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
    );
    input.closest(".field").append(list);
    input.setAttribute("aria-invalid", "true");
    const described = input.getAttribute("aria-describedby");
    input.setAttribute("aria-describedby", [described, list.id].filter(Boolean).join(" "));
    const closed = input.closest("details");
    if (closed) closed.open = true;
  }
  (form.querySelector("[aria-invalid]") || alert).focus();
}

function forgive() {
  document.getElementById("refused").hidden = true;
  for (const list of form.querySelectorAll(".errorlist")) list.remove();
  for (const input of form.querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    const kept = (input.getAttribute("aria-describedby") || "")
      .split(" ")
      .filter((id) => !/^refused-|_error$/.test(id));
    input.setAttribute("aria-describedby", kept.join(" "));
  }
}

function unfinished(mark) {
  return [...document.querySelectorAll("[data-unfinished-upload]")].find(
    (item) => item.dataset.fingerprint === mark,
  );
}

async function submit(event) {
  event.preventDefault();
  const button = form.querySelector("button.button-primary");
  if (button.getAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  try {
    const file = field.files[0];
    const most = Number(panel.dataset.most);
    if (file.size > most)
      return refused({ archive: [`${file.name}: ${size(file.size)}; at most ${size(most)}.`] });
    if (!file.size) return refused({ archive: [`${file.name} is empty.`] });
    const mark = await fingerprint(file);
    const known = unfinished(mark);
    const url = known ? known.dataset.url : await begin(file, mark);
    if (url) send(file, url);
  } catch (error) {
    refused({ archive: [`The file cannot be read: ${error.message}`] });
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Go on with an unfinished upload, once its file is chosen again. */
async function resume(item, file) {
  const problem = item.querySelector("[data-problem]");
  problem.textContent = "";
  if (!file) return;
  const mark = await fingerprint(file);
  if (
    file.size !== Number(item.dataset.length) ||
    (item.dataset.fingerprint && mark !== item.dataset.fingerprint)
  ) {
    problem.textContent = `${file.name} (${size(file.size)}) is another file than was begun.`;
    return;
  }
  send(file, item.dataset.url);
}

// Dropping files ----------------------------------------------------------------------------------

function drops() {
  const zone = field.closest(".field");
  zone.classList.add("drop");
  const help = zone.querySelector(".help");
  help.textContent = panel.dataset.help;
  const has = (event) => [...event.dataTransfer.types].includes("Files");
  // A file that is dropped beside the field must not replace the page.
  for (const name of ["dragover", "drop"]) {
    window.addEventListener(name, (event) => has(event) && event.preventDefault());
  }
  zone.addEventListener("dragover", (event) => {
    if (!has(event)) return;
    event.preventDefault();
    zone.classList.add("drop-over");
  });
  for (const name of ["dragleave", "drop"])
    zone.addEventListener(name, () => zone.classList.remove("drop-over"));
  zone.addEventListener("drop", (event) => {
    if (!has(event)) return;
    event.preventDefault();
    if (event.dataTransfer.files.length !== 1)
      return refused({ archive: ["One archive, please, and no more."] });
    field.files = event.dataTransfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}

if (panel && form && field && window.tus && tus.isSupported) {
  drops();
  form.addEventListener("submit", submit);
  find("pause").addEventListener("click", pause);
  find("resume").addEventListener("click", () => {
    go();
    find("pause").focus();
  });
  find("cancel").addEventListener("click", cancel);
  find("again").addEventListener("click", () => location.reload());
  window.addEventListener("online", () => {
    if (panel.dataset.state === "paused" && find("note").textContent) go();
  });
  for (const item of document.querySelectorAll("[data-unfinished-upload]")) {
    const input = item.querySelector("input[type=file]");
    item.querySelector("[data-continue]").hidden = false;
    input.addEventListener("change", () => resume(item, input.files[0]));
  }
}
