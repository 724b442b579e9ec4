using System.Globalization;
using System.Xml;

namespace CsiThin.Core.Tools.Restore;

/// <summary>The attributes of one element: each is taken once, and none may be left.</summary>
internal sealed class XmlPoolAttributes(XmlReader xml)
{
    private const int MaxShownCharacters = 40;

    private readonly List<string> _taken = [];
    private string _element = "";

    /// <summary>Begins the element that the reader stands on.</summary>
    public void Load()
    {
        _element = xml.Name;
        _taken.Clear();
    }

    /// <summary>A number of 64 bits, in decimal digits alone.</summary>
    public ulong Take(string name)
    {
        var text = TakeText(name);
        return ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new XmlPoolException($"<{_element}>: {name}=\"{Shorten(text)}\" is not a number of 64 bits");
    }

    /// <summary>A number of 32 bits.</summary>
    public uint Take32(string name)
    {
        var value = Take(name);
        return value <= uint.MaxValue
            ? (uint)value
            : throw new XmlPoolException($"<{_element}>: {name}=\"{value}\" is above {uint.MaxValue}");
    }

    public string TakeText(string name) => TryTakeText(name) ?? throw new XmlPoolException($"<{_element}> lacks {name}");

    /// <summary>Null where the element has no such attribute.</summary>
    public string? TryTakeText(string name)
    {
        var text = xml.GetAttribute(name);
        if (text != null)
            _taken.Add(name);
        return text;
    }

    /// <summary>Throws if the element has an attribute that was not taken.</summary>
    public void RequireAllTaken()
    {
        if (xml.AttributeCount == _taken.Count)
            return;
        for (var more = xml.MoveToFirstAttribute(); more; more = xml.MoveToNextAttribute())
            if (!_taken.Contains(xml.Name))
                throw new XmlPoolException($"<{_element}> has an attribute {Shorten(xml.Name)}, which is not known");
    }

    /// <summary>A value for an error message.</summary>
    public static string Shorten(string text) => text.Length <= MaxShownCharacters ? text : text[..MaxShownCharacters] + "…";
}
