"use strict";

const byId = (id) => document.getElementById(id);

/** Send values to the server; return its answer, or throw its error. */
async function post(address, values) {
  const answer = await fetch(address, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(values),
  });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.error);
  return result;
}
