using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace CsiThin.EndToEnd.Metadata;

/// <summary>
/// The XML of a dump in words that both generations would agree on: the Rust one leaves out flags that are not set, writes parts that
/// several devices share once and refers to them, and so cuts ranges where a part ends.
/// </summary>
internal static class DumpText
{
    /// <summary>One line for the pool, one for each device, and one for each run of mappings of one time, as long as it goes.</summary>
    public static string Normalize(string xml)
    {
        var root = XElement.Parse(xml);
        var text = new StringBuilder();
        text.AppendLine(Attributes(root));
        foreach (var (device, runs) in Devices(root))
        {
            text.AppendLine(Attributes(device));
            foreach (var (begin, data, length, time) in Join(runs))
                text.AppendLine(CultureInfo.InvariantCulture, $"  {begin} -> {data} + {length} at {time}");
        }

        return text.ToString();
    }

    /// <summary>The runs of mappings of each device, as they stand there.</summary>
    public static IEnumerable<(ulong Id, IEnumerable<(ulong Begin, ulong Data, ulong Length, ulong Time)> Runs)> Devices(string xml) =>
        Devices(XElement.Parse(xml)).Select(device => (Number(device.Element, "dev_id"), device.Runs));

    private static IEnumerable<(XElement Element, IEnumerable<(ulong Begin, ulong Data, ulong Length, ulong Time)> Runs)> Devices(
        XElement root)
    {
        var parts = root.Elements("def").ToDictionary(part => part.Attribute("name")!.Value);
        return root.Elements("device").Select(device => (device, device.Elements().SelectMany(element => Runs(element, parts))));
    }

    private static string Attributes(XElement element) => string.Join(' ', element.Attributes()
        .Where(attribute => attribute is not { Name.LocalName: "flags", Value: "0" })
        .Select(attribute => $"{attribute.Name}={attribute.Value}"));

    private static ulong Number(XElement element, string name) =>
        ulong.Parse(element.Attribute(name)!.Value, CultureInfo.InvariantCulture);

    private static IEnumerable<(ulong Begin, ulong Data, ulong Length, ulong Time)> Runs(
        XElement element, Dictionary<string, XElement> parts) =>
        element.Name.LocalName switch
        {
            "ref" => parts[element.Attribute("name")!.Value].Elements().SelectMany(inner => Runs(inner, parts)),
            "single_mapping" => [(Number(element, "origin_block"), Number(element, "data_block"), 1, Number(element, "time"))],
            "range_mapping" =>
            [
                (Number(element, "origin_begin"), Number(element, "data_begin"), Number(element, "length"), Number(element, "time")),
            ],
            var other => throw new FormatException(other),
        };

    private static IEnumerable<(ulong Begin, ulong Data, ulong Length, ulong Time)> Join(
        IEnumerable<(ulong Begin, ulong Data, ulong Length, ulong Time)> runs)
    {
        var open = (Begin: 0UL, Data: 0UL, Length: 0UL, Time: 0UL);
        foreach (var run in runs)
        {
            if (open.Length > 0 && run.Begin == open.Begin + open.Length && run.Data == open.Data + open.Length && run.Time == open.Time)
            {
                open.Length += run.Length;
                continue;
            }

            if (open.Length > 0)
                yield return open;
            open = run;
        }

        if (open.Length > 0)
            yield return open;
    }
}
