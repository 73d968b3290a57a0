--- `workspace/applyEdit`: made in the text it was meant for, and in no other; what is refused is said to be.
local M = {}

--- Why this edit must not be made: a document that was changed since; nil where none was.
local function stale(edit, client)
  for _, change in ipairs(edit.documentChanges or {}) do
    local document = change.textDocument
    local version = document and document.version
    if type(version) == 'number' then
      local bufnr = vim.uri_to_bufnr(document.uri)
      if vim.lsp.util.buf_versions[bufnr] > version then
        -- The server is told of the typing before it is told that its edit came too late. There is no public way to it.
        pcall(function()
          require('vim.lsp._changetracking').flush(client, bufnr)
        end)
        return ('%s was changed since version %d'):format(document.uri, version)
      end
    end
  end
end

--- Neovim 0.11 checks the first document only, says "newer than edits" to the person and "applied" to the server.
function M.apply(params, client)
  local why = stale(params.edit, client)
  if why then
    return { applied = false, failureReason = why }
  end
  local ok, error = pcall(vim.lsp.util.apply_workspace_edit, params.edit, client.offset_encoding)
  return { applied = ok, failureReason = not ok and tostring(error) or nil }
end

return M
