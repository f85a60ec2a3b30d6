"use strict";

const byId = (id) => document.getElementById(id);

let sent = Promise.resolve();

/** Send values to the server, after its answer to what was sent before, so that the last change is the one that stays.
 *  Return its answer, or throw its error. */
function post(address, values) {
  const answer = sent.then(() => send(address, values));
  sent = answer.catch(() => {});
  return answer;
}

async function send(address, values) {
  const answer = await fetch(address, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(values),
  });
  const result = await answer.json();
  if (!answer.ok) throw new Error(result.error);
  return result;
}
