--- Where the claw-lsp program is, and why it is not used or not found.
local M = {}

local VENVS = { '.venv', 'venv' }
local BELOW = vim.fn.has('win32') == 1 and 'Scripts/claw-lsp.exe' or 'bin/claw-lsp'

--- Whether the person said `:trust` of this file as it is now. Neovim's own |vim.secure.read()| would stop and ask.
local function trusted(path)
  local file = io.open(vim.fn.stdpath('state') .. '/trust', 'r')
  local real = vim.uv.fs_realpath(path)
  if not file or not real then
    return false
  end
  local known = file:read('*a')
  file:close()
  local program = assert(io.open(real, 'r'))
  local hash = vim.fn.sha256(program:read('*a'))
  program:close()
  return vim.list_contains(vim.split(known, '\n'), hash .. ' ' .. real)
end

--- The command that starts the server for this root: {argv}, nil, or nil and a sentence that says what to do.
---
--- The setting; else the environment of the workspace, if it is the active one or was trusted: a repository must not
--- choose what runs when a file of it is opened; else the PATH.
function M.find(cmd, root)
  if cmd then
    local argv = type(cmd) == 'string' and { vim.fn.expand(cmd), 'serve' } or vim.deepcopy(cmd)
    if vim.fn.executable(argv[1]) == 1 then
      return argv
    end
    local how = 'set cmd in require("claw").setup{} to where claw-lsp is'
    return nil, ('claw: cmd says %s, which is no program; %s'):format(argv[1], how)
  end
  local distrusted
  for _, name in ipairs(root and VENVS or {}) do
    local path = vim.fs.joinpath(root, name, BELOW)
    if vim.fn.executable(path) == 1 then
      local active = vim.env.VIRTUAL_ENV and vim.fs.normalize(vim.env.VIRTUAL_ENV) == vim.fs.joinpath(root, name)
      if active or trusted(path) then
        return { path, 'serve' }
      end
      distrusted = distrusted or path
    end
  end
  local found = vim.fn.exepath('claw-lsp')
  if found ~= '' then
    return { found, 'serve' }
  elseif distrusted then
    local how = ':edit ' .. vim.fn.fnamemodify(distrusted, ':~:.') .. ', then :trust'
    local what = 'claw: %s is not trusted, so it was not started. To use it: %s; or set cmd in setup{}'
    return nil, what:format(distrusted, how)
  end
  local how = 'Install it (pipx install, in a clone), or set cmd in require("claw").setup{}'
  return nil, 'claw: no claw-lsp on the PATH. ' .. how
end

return M
