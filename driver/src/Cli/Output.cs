using System.Text.Encodings.Web;
using System.Text.Json;

namespace CsiThin.Driver.Cli;

/// <summary>How results are printed.</summary>
internal enum OutputFormat
{
    /// <summary>For people.</summary>
    Text,

    /// <summary>For programs: camelCase fields that stay.</summary>
    Json,
}

/// <summary>
/// Where a command prints: results to <paramref name="Out"/> in the format asked for, progress and errors to <paramref name="Error"/>.
/// </summary>
internal sealed record Output(TextWriter Out, TextWriter Error, OutputFormat Format)
{
    /// <summary>Which of the two streams somebody is looking at.</summary>
    public Terminal Terminal { get; init; } = Terminal.None;

    // Names are shown as they are; the text goes to a terminal or a program, never into a web page.
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Prints one result: <paramref name="report"/> as JSON, or what <paramref name="text"/> writes.</summary>
    public void Print<T>(T report, Action<TextWriter> text)
    {
        if (Format == OutputFormat.Json)
            Out.WriteLine(JsonSerializer.Serialize(report, Options));
        else
            text(Out);
        Out.Flush();
    }

    /// <summary>Prints one result whose text is one line.</summary>
    public void Print<T>(T report, string line) => Print(report, output => output.WriteLine(line));

    /// <summary>
    /// Columns as wide as their widest cell, two spaces between; the first row is the heading. A column of numbers is set to the right.
    /// </summary>
    public static void Table(TextWriter output, IReadOnlyList<string[]> rows)
    {
        var columns = Enumerable.Range(0, rows[0].Length).ToArray();
        var widths = Array.ConvertAll(columns, column => rows.Max(row => row[column].Length));
        var isRight = Array.ConvertAll(
            columns,
            column => rows.Count > 1 && rows.Skip(1).All(row => row[column].Length > 0 && char.IsAsciiDigit(row[column][0]) && column > 0));
        foreach (var row in rows)
        {
            var cells = columns.Select(
                column => isRight[column] ? row[column].PadLeft(widths[column]) : row[column].PadRight(widths[column]));
            output.WriteLine(string.Join("  ", cells).TrimEnd());
        }
    }
}
