using CsiThin.Core.Tests.House;

namespace CsiThin.EndToEnd.Documents;

/// <summary>What a document tells its reader to type: the indented lines of Markdown, or of NOTES.txt.</summary>
internal static class DocumentCommands
{
    /// <summary>
    /// The commands in order, those that go on over several lines in one; of the section with that heading alone, where one is given.
    /// </summary>
    public static IReadOnlyList<string> InFile(string path, string? heading = null)
    {
        var text = File.ReadAllText(Path.Combine(SourceTree.Root, path));
        if (heading is not null)
        {
            var begin = text.IndexOf($"\n{heading}\n", StringComparison.Ordinal);
            if (begin < 0)
                throw new InvalidOperationException($"{path} has no section '{heading}'");
            var end = text.IndexOf("\n#", begin + 1, StringComparison.Ordinal);
            text = end < 0 ? text[begin..] : text[begin..end];
        }

        return InText(text, "    ");
    }

    /// <summary>The same of a text whose commands stand behind <paramref name="indent"/>.</summary>
    public static IReadOnlyList<string> InText(string text, string indent)
    {
        var commands = new List<string>();
        var goesOn = false;
        foreach (var line in text.Split('\n'))
        {
            if (!line.StartsWith(indent, StringComparison.Ordinal) || (!goesOn && line[indent.Length] == ' '))
            {
                goesOn = false;
                continue;
            }

            if (goesOn)
                commands[^1] += "\n" + line.Trim();
            else
                commands.Add(line.Trim());
            goesOn = line.EndsWith('\\');
        }

        return commands;
    }
}
