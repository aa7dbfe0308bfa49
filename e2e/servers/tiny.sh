#!/bin/sh
# An MCP stdio server that starts in 2 ms, for tests that start hundreds. It finds what it needs by pattern: requests
# are one line, ids are numbers, and a text argument has no quote or backslash in it.
#
# TINY_NAME      name in serverInfo
# TINY_TOOLS     names of more tools, which answer their own name
# TINY_STDERR    a line to print on stderr at the start
# TINY_EXIT      exit with this code at once
# TINY_LIFETIME  seconds until it kills itself
# TINY_STUBBORN  when set: TERM and the end of stdin mean nothing to it
# TINY_FORK      `group` and `session`: starts a child that ignores TERM, in its own process group or a new session
# TINY_PIDS      a file for the process ids of all that it is, one on a line

remember() {
  [ -z "$TINY_PIDS" ] || echo "$1" >> "$TINY_PIDS"
}

remember $$
[ -z "$TINY_STDERR" ] || echo "$TINY_STDERR" >&2
[ -z "$TINY_EXIT" ] || exit "$TINY_EXIT"
for kind in $TINY_FORK; do
  case $kind in
    group) sh -c 'trap "" TERM HUP; exec sleep 1000' < /dev/null > /dev/null 2>&1 & ;;
    session) setsid sh -c 'trap "" TERM HUP; exec sleep 1000' < /dev/null > /dev/null 2>&1 & ;;
  esac
  remember $!
done
[ -z "$TINY_LIFETIME" ] || (sleep "$TINY_LIFETIME"; kill -KILL $$) < /dev/null > /dev/null 2>&1 &
[ -z "$TINY_STUBBORN" ] || trap '' TERM HUP INT

# The text after "$1":" in the line, up to the next quote.
find_text() {
  found=${line#*\""$1"\":\"}
  [ "$found" != "$line" ] || found=
  found=${found%%\"*}
}

find_number() {
  found=${line#*\""$1"\":}
  found=${found%%[!0-9.]*}
}

answer() {
  printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$1" "$2"
}

answer_text() {
  answer "$1" "{\"content\":[{\"type\":\"text\",\"text\":\"$2\"}]}"
}

refuse() {
  printf '{"jsonrpc":"2.0","id":%s,"error":{"code":%s,"message":"%s"}}\n' "$id" "$1" "$2"
}

list_tools() {
  tools=
  for tool in pid echo sleep block hold release stderr $TINY_TOOLS; do
    tools="$tools${tools:+,}{\"name\":\"$tool\",\"inputSchema\":{\"type\":\"object\"}}"
  done
  answer "$id" "{\"tools\":[$tools]}"
}

initialize() {
  find_text protocolVersion
  info="{\"name\":\"${TINY_NAME:-tiny}\",\"version\":\"1.0.0\"}"
  answer "$id" "{\"protocolVersion\":\"$found\",\"capabilities\":{\"tools\":{}},\"serverInfo\":$info}"
}

call_tool() {
  find_text name
  case $found in
    pid) answer_text "$id" $$ ;;
    echo)
      find_text text
      answer_text "$id" "$found"
      ;;
    # Answers `text` after `seconds`; others are answered meanwhile.
    sleep)
      find_number seconds
      seconds=$found
      find_text text
      (sleep "$seconds"; answer_text "$id" "$found") < /dev/null &
      ;;
    # The same, but others wait.
    block)
      find_number seconds
      sleep "$found"
      find_text text
      answer_text "$id" "$found"
      ;;
    # Is answered when `release` is called.
    hold) held=$id ;;
    release)
      answer_text "$held" released
      answer_text "$id" done
      ;;
    stderr)
      find_text text
      echo "$found" >&2
      answer_text "$id" written
      ;;
    *)
      case " $TINY_TOOLS " in
        *" $found "*) answer_text "$id" "$found" ;;
        *) refuse -32602 "No tool $found." ;;
      esac
      ;;
  esac
}

while IFS= read -r line; do
  id=${line#*\"id\":}
  [ "$id" != "$line" ] || continue
  id=${id%%[!0-9]*}
  case $line in
    *'"method":"initialize"'*) initialize ;;
    *'"method":"tools/list"'*) list_tools ;;
    *'"method":"tools/call"'*) call_tool ;;
    *'"method":"ping"'*) answer "$id" '{}' ;;
    *) refuse -32601 'No such method.' ;;
  esac
done
while [ -n "$TINY_STUBBORN" ]; do sleep 1; done
