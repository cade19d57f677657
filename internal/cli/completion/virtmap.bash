# bash completion of virtmap: eval "$(virtmap completion bash)"
_virtmap() {
	local line=${COMP_LINE:0:COMP_POINT} words cur
	read -ra words <<<"$line"
	[[ $line == *[[:space:]] ]] && words+=("")
	cur=${words[-1]}
	local IFS=$'\n'
	COMPREPLY=($("${words[0]}" __complete "${words[@]:1}" 2>/dev/null))
	# bash takes an @, a : and a = for the beginning of a word.
	[[ $cur == *[@:=]* ]] && COMPREPLY=("${COMPREPLY[@]#"${cur%[@:=]*}"?}")
	# What ends in a colon, such as postfix:, goes on.
	[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *: ]] && compopt -o nospace 2>/dev/null
	return 0
}
complete -o default -F _virtmap virtmap
