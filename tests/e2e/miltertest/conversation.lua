-- A conversation with the gateway as an MTA, in the words of opendkim's miltertest. SOCKET, CLEAN and ARMED are
-- given on the command line; the latter two are files with a message body each.

local function body(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

local function want(reply, what)
    if mt.getreply(conn) ~= reply then
        error(what .. ": got " .. string.char(mt.getreply(conn)))
    end
end

local function message(text)
    assert(mt.mailfrom(conn, "sender@outside.test") == nil, "MAIL")
    assert(mt.rcptto(conn, "alice@example.com") == nil, "RCPT")
    want(SMFIR_CONTINUE, "RCPT")
    assert(mt.header(conn, "X-Macrogate", " forged") == nil, "header")
    assert(mt.header(conn, "Subject", " report") == nil, "header")
    assert(mt.header(conn, "MIME-Version", " 1.0") == nil, "header")
    assert(mt.header(conn, "Content-Type", " multipart/mixed; boundary=" .. BOUNDARY) == nil, "header")
    assert(mt.eoh(conn) == nil, "end of header")
    assert(mt.bodystring(conn, body(text)) == nil, "body")
    assert(mt.eom(conn) == nil, "end of message")
end

conn = mt.connect(SOCKET)
assert(conn ~= nil, "connect")
assert(mt.conninfo(conn, "client.test", "192.0.2.7") == nil, "CONNECT")
assert(mt.helo(conn, "helo.test") == nil, "HELO")

message(CLEAN)
want(SMFIR_ACCEPT, "clean")
assert(mt.eom_check(conn, MT_HDRINSERT, "X-Macrogate"), "no line of ours")
assert(mt.eom_check(conn, MT_HDRDELETE, "X-Macrogate"), "the forged line stays")
assert(not mt.eom_check(conn, MT_BODYCHANGE), "the body of a clean message was changed")

message(ARMED)
want(SMFIR_DISCARD, "armed")

-- an envelope that is given up leaves nothing behind
assert(mt.mailfrom(conn, "sender@outside.test") == nil, "MAIL")
assert(mt.abort(conn) == nil, "ABORT")
message(CLEAN)
want(SMFIR_ACCEPT, "clean after armed")

mt.disconnect(conn, true)
