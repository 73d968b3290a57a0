--- Positions of one server as another counts them: each may count in bytes, UTF-16 units or characters.
local M = {}

local texts = {}

--- One line of a document, as it is in its buffer, else on disk. Files are read once per translation.
local function line_of(uri, row)
  local path = uri:match('^file:') and vim.uri_to_fname(uri)
  local bufnr = path and vim.fn.bufexists(path) == 1 and vim.uri_to_bufnr(uri)
  if bufnr and vim.api.nvim_buf_is_loaded(bufnr) then
    return vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1] or ''
  elseif path and not texts[uri] then
    local file = io.open(path, 'r')
    texts[uri] = file and vim.split(file:read('*a'), '\r?\n') or {}
    if file then
      file:close()
    end
  end
  return texts[uri] and texts[uri][row + 1] or ''
end

local function moved(position, uri, from, to)
  local line = line_of(uri, position.line)
  local byte = vim.str_byteindex(line, from, position.character, false)
  return { line = position.line, character = vim.str_utfindex(line, to, byte, false) }
end

local function is_position(value)
  return type(value.line) == 'number' and type(value.character) == 'number'
end

--- Which document the positions below a field are in.
local function uri_below(value, name, uri)
  if name == 'targetRange' or name == 'targetSelectionRange' then
    return value.targetUri or uri
  end
  local document = type(value.textDocument) == 'table' and value.textDocument.uri
  return document or (type(value.uri) == 'string' and value.uri) or uri
end

local function walk(value, uri, from, to)
  if type(value) ~= 'table' then
    return value
  elseif is_position(value) then
    return uri and moved(value, uri, from, to) or value
  end
  local made = setmetatable({}, getmetatable(value))
  for name, it in pairs(value) do
    if name == 'data' then
      -- A server's own, which it gets back as it was.
      made[name] = it
    elseif name == 'changes' and type(it) == 'table' then
      made[name] = {}
      for of, edits in pairs(it) do
        made[name][of] = walk(edits, of, from, to)
      end
    else
      made[name] = walk(it, uri_below(value, name, uri), from, to)
    end
  end
  return made
end

--- Params or a result, with every position in it told in the encoding `to`. `uri` is the document it is about.
function M.translated(value, uri, from, to)
  if from == to then
    return value
  end
  texts = {}
  return walk(value, uri, from, to)
end

return M
