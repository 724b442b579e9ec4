using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace CsiThin.Driver.Kube.Pools;

/// <summary>
/// The name of a pool's object: <c>NODE.POOL</c>, readable and the same each time. Kubernetes wants small letters, digits, '-' and '.' (RFC
/// 1123). The pool's part has no dot, so the last dot parts the two; where either had to be changed or cut, a hash of both is added, so
/// that two pools never share a name.
/// </summary>
internal static class ThinPoolNames
{
    private const int NodeLengthMax = 180;
    private const int PoolLengthMax = 50;
    private const int LabelLengthMax = 63;
    private const int HashDigits = 8;

    /// <summary>The object's name.</summary>
    public static string Of(string node, string pool)
    {
        var nodePart = Safe(node, NodeLengthMax, keepDots: true);
        var poolPart = Safe(pool, PoolLengthMax, keepDots: false);
        var name = $"{nodePart}.{poolPart}";
        return nodePart == node && poolPart == pool ? name : $"{name}-{Hash($"{node}\n{pool}")}";
    }

    /// <summary>A node's name as the value of a label, which takes 63 characters.</summary>
    public static string LabelOf(string node) => node.Length <= LabelLengthMax
        ? node
        : $"{node[..(LabelLengthMax - HashDigits - 1)].TrimEnd('.', '-', '_')}-{Hash(node)}";

    private static string Safe(string text, int lengthMax, bool keepDots)
    {
        var safe = new StringBuilder();
        foreach (var character in text.ToLowerInvariant())
        {
            var fits = char.IsAsciiLetterOrDigit(character) || (keepDots && character == '.');
            safe.Append(fits ? character : '-');
        }

        var name = string.Join('.', safe.ToString().Split('.').Select(part => part.Trim('-')).Where(part => part.Length > 0));
        if (name.Length > lengthMax)
            name = name[..lengthMax].TrimEnd('-', '.');
        return name.Length > 0 ? name : "x";
    }

    private static string Hash(string text) => string.Create(
        CultureInfo.InvariantCulture, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..HashDigits]}");
}
