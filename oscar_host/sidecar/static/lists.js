// Marks patients on OSCAR's day sheet who have something to do, and puts columns into the results of its patient search.
// Asks once for the whole list, after the page is complete. Whatever goes wrong, OSCAR's page does not change.
import { mark, workMark } from "./mark.js";

const BASE = new URL("../", import.meta.url); // not from the page's address: it may have a <base href>
const PATIENCE = 4000; // ms
const MOST = 2000; // patients that our side returns at once

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => show().catch(() => {}));
else show().catch(() => {});

async function show() {
  const appointments = document.querySelectorAll("td.appt");
  const results = document.getElementById("patientResults");
  if (appointments.length) {
    const { notes, menu } = await fetchNotes("schedule", patientOfAppointment, appointments);
    markSchedule(appointments, notes);
    addToMenu(menu);
  }
  if (results) {
    const rows = results.querySelectorAll("tr:has(> td.demoIdSearch)");
    addColumns(results, rows, (await fetchNotes("search", patientOfResult, rows)).notes);
  }
}

// The notes on the patients of these elements, by the patient's number, a list for each; and entries for the page's menu.
async function fetchNotes(place, patientOf, elements) {
  const patients = new Set();
  for (const element of elements) if (patientOf(element)) patients.add(patientOf(element));
  const notes = new Map();
  if (!patients.size) return { notes, menu: [] };
  const answer = await fetch(new URL("page/notes", BASE), {
    method: "POST",
    headers: { "HX-Request": "true" },
    body: new URLSearchParams({ place, patients: [...patients].slice(0, MOST).join(" ") }),
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (answer.status !== 200) return { notes, menu: [] };
  const listed = await answer.json();
  for (const note of listed.notes) {
    const patient = String(note.patient_id);
    notes.set(patient, [...(notes.get(patient) ?? []), note]);
  }
  return { notes, menu: listed.menu };
}

// Its links name the patient in what they do; 0 means an appointment without a patient.
function patientOfAppointment(cell) {
  const link = cell.querySelector("a[onclick*='demographic_no=']");
  const number = /demographic_no=(\d+)/.exec(link?.getAttribute("onclick") ?? "")?.[1];
  return number === "0" ? undefined : number;
}

// By the number that is shown: the link of a patient of another facility names a number of theirs.
function patientOfResult(row) {
  return /^\s*(\d+)\s*$/.exec(row.querySelector("td.demoIdSearch").textContent)?.[1];
}

function markSchedule(appointments, notes) {
  for (const appointment of appointments) {
    const due = (notes.get(patientOfAppointment(appointment)) ?? []).filter((note) => note.to_do.length);
    const name = appointment.querySelector("a.apptLink") ?? appointment.querySelector("a.masterBtn");
    if (due.length && name) name.after(" ", workMark(due));
  }
}

// In a window of its own, as all that OSCAR opens from its day sheet.
function addToMenu(items) {
  const menu = document.querySelector("#firstMenu ul");
  if (!menu) return;
  for (const { label, href } of items) {
    const entry = document.createElement("li");
    const link = document.createElement("a");
    Object.assign(link, { href, textContent: label, target: "_blank", rel: "noopener" });
    entry.append(link);
    menu.append(entry);
  }
}

function addColumns(table, rows, notes) {
  const titles = new Set([...notes.values()].flat().map((note) => note.title));
  for (const title of titles) {
    const heading = document.createElement("th");
    heading.textContent = title;
    for (const headings of table.querySelectorAll("tr.tableHeadings")) insert(headings, heading.cloneNode(true));
    for (const row of rows) {
      const cell = document.createElement("td");
      for (const note of notes.get(patientOfResult(row)) ?? []) {
        if (note.title !== title) continue;
        cell.append(note.text);
        if (note.to_do.length) cell.append(" ", mark([note]));
      }
      insert(row, cell);
    }
  }
}

function insert(row, cell) {
  const doctor = row.querySelector(":scope > .doctor");
  if (doctor) doctor.after(cell);
  else row.append(cell);
}
