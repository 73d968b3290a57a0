" A stand-in for coc.nvim, whose npm package has no program in it: it keeps what it is told.

let g:told = {}

def coc#config(section: string, value: any)
  g:told[section] = value
enddef
