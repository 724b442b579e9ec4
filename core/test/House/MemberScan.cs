using System.Text.RegularExpressions;

namespace CsiThin.Core.Tests.House;

/// <summary>
/// Finds the members that have a block, by braces alone: a block right inside a type (or a file) that is neither a type nor a namespace nor
/// the initializer of a field.
/// </summary>
internal static partial class MemberScan
{
    /// <summary>Where each member begins, its attributes included, and where its block ends.</summary>
    public static IEnumerable<(int Start, int End)> Members(string code)
    {
        var blocks = new Stack<(int Start, bool IsMember, bool HoldsMembers)>();
        var start = 0;
        for (var at = 0; at < code.Length; at++)
        {
            if (code[at] == '{')
            {
                var holdsHere = blocks.Count == 0 || blocks.Peek().HoldsMembers;
                var head = Constraints().Replace(Parenthesised().Replace(code[start..at], ""), "");
                var isContainer = Container().IsMatch(head);
                blocks.Push((SkipSpace(code, start), holdsHere && !isContainer && !Initializer().IsMatch(head), isContainer));
            }
            else if (code[at] == '}' && blocks.TryPop(out var block) && block.IsMember)
                yield return (block.Start, at);
            if (code[at] is '{' or '}' or ';')
                start = at + 1;
        }
    }

    private static int SkipSpace(string code, int at)
    {
        while (at < code.Length && char.IsWhiteSpace(code[at]))
            at++;
        return at;
    }

    // Parameters, conditions and arguments, two deep: they may hold "=" and "class" without meaning it.
    [GeneratedRegex(@"\((?:[^()]|\([^()]*\))*\)")]
    private static partial Regex Parenthesised();

    // "where T : class" is no class.
    [GeneratedRegex(@"\bwhere\b.*", RegexOptions.Singleline)]
    private static partial Regex Constraints();

    [GeneratedRegex(@"\b(namespace|class|struct|interface|record|enum)\b(?!\s*[,>])")]
    private static partial Regex Container();

    [GeneratedRegex(@"(?<![=!<>])=(?![=>])")]
    private static partial Regex Initializer();
}
