# A mutant of lib/settle.lua, for tests only: a settle that is sent again, whose lease is gone,
# begins the records of its follow-ups once more. Nothing shows it but a link that is cut.
set(fenced "  reply[1] = 0\n  return reply\n")
string(REPLACE "${fenced}" "  record_pushed(form.first_begun, 'state', 'queued')\n${fenced}" text "${text}")
if(text MATCHES "begin_records.form.first_begun" AND NOT text MATCHES "record_pushed.form.first_begun")
  message(FATAL_ERROR "what this mutant replaces does not stand there any more")
endif()
