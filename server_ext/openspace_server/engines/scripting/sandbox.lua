-- Runs once, before any script: takes away what reaches outside, and puts bounds on what is left.
-- The host calls are Python functions that never raise. `lift` and `limit` switch the memory bound: while values cross
-- between Lua and Python a failed allocation would end the process, so the bound holds only while a script runs.

local host_lift, host_limit, host_call, host_now, max_instructions = ...

local lift, limit = python.as_function(host_lift), python.as_function(host_limit)
local call, now = python.as_function(host_call), python.as_function(host_now)

local error, select, type, tostring, rawget, rawlen = error, select, type, tostring, rawget, rawlen
local setmetatable, rawset, load, next = setmetatable, rawset, load, next
local pack, unpack, sethook = table.pack, table.unpack, debug.sethook
local raw_metatable = debug.getmetatable
local gsub, gmatch_word = string.gsub, string.gmatch

local STEP = 10000

-- ---- instruction and time bounds ----------------------------------------------------------------------------------

local steps, deadline, ended = 0, 0, nil

local function check()
  steps = steps + STEP
  if not ended then
    if steps > max_instructions then
      ended = "the script was ended: it ran more than " .. max_instructions .. " instructions"
    elseif now() > deadline then
      ended = "the script was ended: it took too long"
    end
  end
  if ended then
    -- From now on every instruction ends in this error, so that no pcall in a loop can hold it off.
    sethook(check, "", 1)
    error(ended, 0)
  end
end


-- ---- what is taken away --------------------------------------------------------------------------------------------

for _, name in next, {
  "io", "os", "package", "require", "debug", "dofile", "loadfile", "python", "collectgarbage", "warn",
} do
  _G[name] = nil
end
string.dump = nil

-- Finalizers run without hooks, so a loop in one could not be ended.
function _G.setmetatable(object, metatable)
  if type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then
    error("__gc is not available to scripts", 2)
  end
  return setmetatable(object, metatable)
end

-- A message handler called from the hook would run without hooks, so it is called after the error instead.
local pcall = pcall
local function handled(handler, ok, ...)
  if ok then return true, ... end
  return false, handler(...)
end

function _G.xpcall(body, handler, ...)
  return handled(handler, pcall(body, ...))
end

function _G.load(chunk, name, mode, ...)
  return load(chunk, name, "t", ...)
end

-- ---- coroutines: each needs the bounds of its own ------------------------------------------------------------------

local create, resume, status = coroutine.create, coroutine.resume, coroutine.status

local function coroutine_create(body)
  local thread = create(body)
  sethook(thread, check, "", STEP)
  return thread
end

coroutine.create = coroutine_create

local function passed(ok, ...)
  if not ok then error((...), 0) end
  return ...
end

function coroutine.wrap(body)
  local thread = coroutine_create(body)
  return function(...) return passed(resume(thread, ...)) end
end

-- ---- library functions that could run for ever without an instruction being counted ------------------------------

local MAX_RANGE = 10000000

local function plain(list)
  local metatable = raw_metatable(list)
  if type(list) == "table" and type(metatable) == "table" and (rawget(metatable, "__len") ~= nil
      or rawget(metatable, "__index") ~= nil or rawget(metatable, "__newindex") ~= nil) then
    error("this function takes plain tables only", 3)
  end
  return list
end

local function short(first, last)
  if type(first) == "number" and type(last) == "number" and last - first > MAX_RANGE then
    error("the range is too long", 3)
  end
end

local concat, insert, move, remove, sort = table.concat, table.insert, table.move, table.remove, table.sort

function table.concat(list, separator, first, last)
  plain(list) short(first or 1, last)
  return concat(list, separator, first, last)
end
function table.insert(list, ...) return insert(plain(list), ...) end
function table.remove(list, ...) return remove(plain(list), ...) end
function table.move(from, first, last, at, to)
  plain(from) plain(to) short(first, last)
  return move(from, first, last, at, to or from)
end
function table.sort(list, less)
  if type(list) == "table" and rawlen(list) > 1000000 then error("the table is too long to sort", 2) end
  return sort(plain(list), less)
end

local rep = string.rep
function string.rep(text, count, separator)
  if text == "" and (separator == nil or separator == "") then return "" end
  return rep(text, count, separator)
end

-- Matching can take time exponential in the pattern, with no way to interrupt it.
local MAX_WORK = 200000000

local function cheap(text, pattern)
  if type(text) == "number" then text = tostring(text) end
  if type(text) ~= "string" or type(pattern) ~= "string" then return end
  local _, many = gsub(pattern, "[*+-]", "")
  local _, maybe = gsub(pattern, "?", "")
  if many == 0 and maybe == 0 then return end
  if (#text + 1.0) ^ (many + 1) * 2.0 ^ maybe > MAX_WORK and (#text > 200 or many + maybe > 8) then
    error("the pattern is too costly for a text this long", 3)
  end
end

local find, match, gmatch = string.find, string.match, string.gmatch

function string.find(text, pattern, start, is_plain)
  if not is_plain then cheap(text, pattern) end
  return find(text, pattern, start, is_plain)
end
function string.match(text, pattern, ...) cheap(text, pattern) return match(text, pattern, ...) end
function string.gmatch(text, pattern, ...) cheap(text, pattern) return gmatch(text, pattern, ...) end
function string.gsub(text, pattern, ...) cheap(text, pattern) return gsub(text, pattern, ...) end

-- ---- crossing to the host -----------------------------------------------------------------------------------------

local function finish(ok, ...)
  limit()
  if not ok then error((...), 2) end
  return ...
end

-- A Lua function that calls the host's function of that name.
local function bridge(name)
  return function(...)
    lift()
    return finish(call(name, ...))
  end
end

local function missing(path)
  return setmetatable({}, {
    __index = function(_, name) return missing(path .. "." .. tostring(name)) end,
    __call = function() return bridge("missing")(path) end,
    __tostring = function() return path .. " (not available)" end,
  })
end

local function library(path)
  return setmetatable({}, {
    __index = function(_, name)
      if type(name) ~= "string" then return nil end
      return missing(path .. "." .. name)
    end,
  })
end

function _G.print(...)
  local words = {}
  for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
  bridge("print")(concat(words, "\t"))
end

-- ---- what the host uses -------------------------------------------------------------------------------------------

-- The script runs in a coroutine of its own, so that the hook never strikes here.
local guarded
function guarded(seconds, body, ...)
  if type(body) ~= "function" then
    local metatable = raw_metatable(body)
    local called = metatable and rawget(metatable, "__call")
    if type(called) ~= "function" then return { false, "this is not a function", n = 2 } end
    return guarded(seconds, called, body, ...)
  end
  steps, ended, deadline = 0, nil, now() + seconds
  local thread = coroutine_create(body)
  limit()
  local results = pack(resume(thread, ...))
  lift()
  if results[1] and status(thread) ~= "dead" then return { false, "a script cannot yield", n = 2 } end
  return results
end

local host = {}

function host.run(source, seconds)
  local chunk, problem = load(source, "=script", "t")
  if not chunk then return { false, problem, n = 2 } end
  return guarded(seconds, chunk)
end

function host.invoke(path, seconds, arguments, count)
  local found = _G
  for name in gmatch_word(path, "[^.]+") do
    found = type(found) == "table" and found[name] or nil
  end
  if found == nil then return { false, path .. " is not a function", n = 2 } end
  return guarded(seconds, found, unpack(arguments, 1, count))
end

function host.define(path, ...)
  local names = { ... }
  local owner = _G
  for i = 1, #names - 1 do
    local here = rawget(owner, names[i])
    if here == nil then
      here = library(concat(names, ".", 1, i))
      rawset(owner, names[i], here)
    end
    owner = here
  end
  rawset(owner, names[#names], bridge(path))
end

return host
