--- `claw/languageFeature`: what the editor's other servers know, asked of all of them and put together.
local encoding = require('claw.encoding')
local where = require('claw.where')
local M = {}

-- The server waits two seconds and then does without: what has come by then is better than nothing.
local PATIENCE = 1700

--- Answers in lists, what several servers say said once.
local function lists(results)
  local found, seen = {}, {}
  for _, result in ipairs(results) do
    for _, it in ipairs(vim.islist(result) and result or { result }) do
      -- Unlike JSON, vim.inspect writes the fields of equal tables in the same order; it is slow.
      local key = #results > 1 and vim.inspect(it) or #found
      if not seen[key] then
        seen[key] = true
        table.insert(found, it)
      end
    end
  end
  return found
end

local function hovers(results)
  local parts = {}
  for _, it in ipairs(results) do
    local text = vim.trim(table.concat(vim.lsp.util.convert_input_to_markdown_lines(it.contents), '\n'))
    if text ~= '' and not vim.list_contains(parts, text) then
      table.insert(parts, text)
    end
  end
  if #parts == 0 then
    return nil
  end
  return { contents = { kind = 'markdown', value = table.concat(parts, '\n\n---\n\n') }, range = results[1].range }
end

local function first(results)
  return results[1]
end

--- How the answers of several servers become one.
local MERGE = {
  ['textDocument/definition'] = lists,
  ['textDocument/references'] = lists,
  ['textDocument/documentSymbol'] = lists,
  ['workspace/symbol'] = lists,
  ['textDocument/codeAction'] = lists,
  ['textDocument/hover'] = hovers,
  ['textDocument/rename'] = first,
}

local function is_other(client)
  return client.name ~= 'claw' and client.initialized and not client:is_stopped()
end

--- The buffer of a document, loaded, so that the servers of its language attach to it. nil where there is no such file.
local function buffer_of(params)
  local uri = vim.tbl_get(params, 'textDocument', 'uri')
  if type(uri) ~= 'string' or not vim.startswith(uri, 'file:') then
    return nil
  end
  local path = vim.uri_to_fname(uri)
  if vim.fn.bufexists(path) == 0 and not vim.uv.fs_stat(path) then
    return nil
  end
  local bufnr = vim.uri_to_bufnr(uri)
  local fresh = not vim.api.nvim_buf_is_loaded(bufnr)
  vim.fn.bufload(bufnr)
  return bufnr, fresh
end

--- In a coroutine: wait until `begin(done)` calls done, or so many milliseconds.
local function await(milliseconds, begin)
  local here = coroutine.running()
  local over = false
  local function done()
    if not over then
      over = true
      vim.schedule(function()
        coroutine.resume(here)
      end)
    end
  end
  vim.defer_fn(done, milliseconds)
  begin(done)
  coroutine.yield()
end

--- In a coroutine: what each server answered that answered anything, in our encoding.
local function answers(clients, method, params, bufnr, ours)
  local uri = vim.tbl_get(params, 'textDocument', 'uri')
  local found, n_open = {}, #clients
  if n_open == 0 then
    return found
  end
  await(PATIENCE, function(done)
    for n, client in ipairs(clients) do
      local theirs = client.offset_encoding
      local function answered(_, result)
        if result ~= nil and result ~= vim.NIL then
          found[n] = encoding.translated(result, uri, theirs, ours)
        end
        n_open = n_open - 1
        if n_open == 0 then
          done()
        end
      end
      if not client:request(method, encoding.translated(params, uri, ours, theirs), answered, bufnr) then
        answered()
      end
    end
  end)
  -- In the order of the servers, not in that of their answers.
  local ordered = {}
  for n = 1, #clients do
    table.insert(ordered, found[n])
  end
  return ordered
end

--- A diagnostic of Neovim's as the protocol says it, its columns in bytes told in our encoding.
local function diagnostic(it, ours)
  local sent = vim.tbl_get(it, 'user_data', 'lsp') or {}
  return {
    range = {
      start = where.position(it.bufnr, it.lnum, it.col, ours),
      ['end'] = where.position(it.bufnr, it.end_lnum or it.lnum, it.end_col or it.col, ours),
    },
    severity = it.severity,
    code = it.code,
    source = it.source,
    message = it.message,
    tags = sent.tags,
  }
end

--- What all but claw say of a buffer, or of all: the other servers, and linters that use vim.diagnostic.
local function of_others(bufnr, claw)
  local own = vim.lsp.diagnostic.get_namespace(claw.id)
  return vim.tbl_filter(function(it)
    return it.namespace ~= own and it.source ~= 'claw' and vim.api.nvim_buf_is_loaded(it.bufnr)
  end, vim.diagnostic.get(bufnr))
end

--- The same for some rows of a buffer, as the protocol says it; nil where there is nothing.
function M.on_rows(bufnr, first, last, claw)
  local found = {}
  for _, it in ipairs(of_others(bufnr, claw)) do
    if it.lnum >= first and it.lnum <= last then
      table.insert(found, diagnostic(it, claw.offset_encoding))
    end
  end
  return #found > 0 and found or nil
end

local function document_diagnostics(params, claw)
  local bufnr, fresh = buffer_of(params)
  if not bufnr then
    return vim.NIL
  elseif fresh and #vim.tbl_filter(is_other, vim.lsp.get_clients({ bufnr = bufnr })) > 0 then
    -- Its servers have only now heard of it.
    await(PATIENCE, function(done)
      vim.api.nvim_create_autocmd('DiagnosticChanged', { buffer = bufnr, once = true, callback = done })
    end)
  end
  return { kind = 'full', items = M.on_rows(bufnr, 0, math.huge, claw) or {} }
end

local function workspace_diagnostics(_, claw)
  local by_buffer = {}
  for _, it in ipairs(of_others(nil, claw)) do
    by_buffer[it.bufnr] = by_buffer[it.bufnr] or {}
    table.insert(by_buffer[it.bufnr], diagnostic(it, claw.offset_encoding))
  end
  local items = {}
  for bufnr, found in vim.spairs(by_buffer) do
    table.insert(items, { uri = vim.uri_from_bufnr(bufnr), kind = 'full', items = found })
  end
  return { items = items }
end

--- In a coroutine: the answer to one `claw/languageFeature`; vim.NIL where no server can answer.
function M.ask(request, claw)
  local method, params = request.method, request.params or {}
  if method == 'textDocument/diagnostic' then
    return document_diagnostics(params, claw)
  elseif method == 'workspace/diagnostic' then
    return workspace_diagnostics(params, claw)
  elseif not MERGE[method] then
    return vim.NIL
  end
  local bufnr = buffer_of(params)
  if not bufnr and method ~= 'workspace/symbol' then
    return vim.NIL
  end
  local clients = vim.tbl_filter(is_other, vim.lsp.get_clients({ bufnr = bufnr, method = method }))
  if method == 'textDocument/codeAction' and not params.context then
    params.context = { diagnostics = {} }
  end
  local found = answers(clients, method, params, bufnr, claw.offset_encoding)
  return #found > 0 and MERGE[method](found) or vim.NIL
end

return M
