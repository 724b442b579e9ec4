using System.Text.RegularExpressions;

namespace CsiThin.Core.Tests.House;

/// <summary>
/// One C# file taken apart just far enough for rules about its text: what is code, what is comment, what is neither (the insides of
/// strings). Both parts keep every line and column, with blanks for what was taken out, so that a match tells where it is.
/// </summary>
internal sealed class SourceFile
{
    /// <summary>Takes apart a file; <paramref name="path"/> is relative to the repository, with slashes.</summary>
    public SourceFile(string path, string text)
    {
        Path = path;
        Text = text;
        (Code, Comments) = SourceLexer.Split(text);
    }

    /// <summary>Relative to the root of the repository.</summary>
    public string Path { get; }

    /// <summary>All of it.</summary>
    public string Text { get; }

    /// <summary>Without comments and without the insides of strings and character literals.</summary>
    public string Code { get; }

    /// <summary>The comments alone.</summary>
    public string Comments { get; }

    /// <summary>Code of the product: not a test, not a benchmark.</summary>
    public bool IsProduct =>
        Path.StartsWith("core/src/", StringComparison.Ordinal) || Path.StartsWith("driver/src/", StringComparison.Ordinal);

    /// <summary>The file lies in the folder, given relative to the repository without a slash at its end.</summary>
    public bool IsIn(string folder) => Path.StartsWith(folder + "/", StringComparison.Ordinal);

    /// <summary>A finding for each match of <paramref name="pattern"/> in one of the parts above.</summary>
    public IEnumerable<Finding> Matches(string part, Regex pattern, string message) =>
        from match in pattern.Matches(part)
        select FindingAt(match.Index, message);

    /// <summary>A finding at a place in the text.</summary>
    public Finding FindingAt(int index, string message) => new(Path, 1 + Text.AsSpan(0, index).Count('\n'), message);
}
