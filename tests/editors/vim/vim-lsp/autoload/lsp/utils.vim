" The one function of vim-lsp's utilities that claw-lsp's client.vim calls.

def lsp#utils#path_to_uri(path: string): string
  return 'file://' .. path
enddef
