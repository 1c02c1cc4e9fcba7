using System.Globalization;
using System.Text.Json;

namespace Brokkr.Core.Contract;

/// <summary>An object of a contract in JSON, read member by member with protobuf's conversions. Errors name the place.</summary>
/// <param name="element">The JSON value.</param>
/// <param name="place">Where it is, for messages.</param>
internal readonly struct JsonNodeReader(JsonElement element, string place)
{
    /// <exception cref="ContractFormatException">The value is no object.</exception>
    public void ExpectObject()
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong(place, "an object", element);
        }
    }

    /// <summary>True if the member is there and not null.</summary>
    public bool Has(string name) => element.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null;

    /// <summary>The one member of a oneof that is there; null if none is.</summary>
    /// <exception cref="ContractFormatException">More than one is there.</exception>
    public string? OneOf(params ReadOnlySpan<string> names)
    {
        string? found = null;
        foreach (var name in names)
        {
            if (Has(name))
            {
                found = found is null ? name : throw new ContractFormatException($"{place}: {found} and {name} exclude each other");
            }
        }

        return found;
    }

    /// <summary>A text; empty where absent. Numbers and booleans count as their text.</summary>
    public string Text(string name) => Has(name) ? TextOf(element.GetProperty(name), $"{place}.{name}") : "";

    /// <summary>The name or the number of an enum value; null where absent.</summary>
    public string? Name(string name)
    {
        if (!Has(name))
        {
            return null;
        }

        var text = TextOf(element.GetProperty(name), $"{place}.{name}");
        return TryWhole(text, out var number) ? number.ToString(CultureInfo.InvariantCulture) : text;
    }

    /// <summary>A flag; false where absent.</summary>
    public bool Flag(string name) =>
        Has(name)
        && TextOf(element.GetProperty(name), $"{place}.{name}") switch
        {
            "true" or "True" => true,
            "false" or "False" => false,
            _ => throw Wrong($"{place}.{name}", "true or false", element.GetProperty(name)),
        };

    /// <summary>An integer; 0 where absent.</summary>
    public ulong UInt64(string name) => (ulong)Whole(name, 0, ulong.MaxValue);

    /// <summary>An integer; 0 where absent.</summary>
    public uint UInt32(string name) => (uint)Whole(name, 0, uint.MaxValue);

    /// <summary>An integer; 0 where absent.</summary>
    public int Int32(string name) => (int)Whole(name, int.MinValue, int.MaxValue);

    /// <summary>A nested object; null where absent.</summary>
    public T? Child<T>(string name, Func<JsonNodeReader, T> read)
        where T : class
    {
        if (!Has(name))
        {
            return null;
        }

        var child = new JsonNodeReader(element.GetProperty(name), $"{place}.{name}");
        child.ExpectObject();
        return read(child);
    }

    /// <summary>A list of objects; nothing where absent.</summary>
    public void Each<T>(string name, ICollection<T> into, Func<JsonNodeReader, T> read)
    {
        var index = 0;
        foreach (var item in List(name))
        {
            var child = new JsonNodeReader(item, $"{place}.{name}[{index++}]");
            child.ExpectObject();
            into.Add(read(child));
        }
    }

    /// <summary>A list of texts; nothing where absent.</summary>
    public void Texts(string name, ICollection<string> into)
    {
        var index = 0;
        foreach (var item in List(name))
        {
            into.Add(TextOf(item, $"{place}.{name}[{index++}]"));
        }
    }

    /// <summary>An object whose members are texts; nothing where absent.</summary>
    public void Map(string name, IDictionary<string, string> into)
    {
        if (!Has(name))
        {
            return;
        }

        var map = element.GetProperty(name);
        if (map.ValueKind != JsonValueKind.Object)
        {
            throw Wrong($"{place}.{name}", "an object", map);
        }

        foreach (var member in map.EnumerateObject())
        {
            into[member.Name] = TextOf(member.Value, $"{place}.{name}.{member.Name}");
        }
    }

    private JsonElement.ArrayEnumerator List(string name)
    {
        if (!Has(name))
        {
            return default;
        }

        var list = element.GetProperty(name);
        return list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : throw Wrong($"{place}.{name}", "a list", list);
    }

    private decimal Whole(string name, decimal minimum, decimal maximum)
    {
        if (!Has(name))
        {
            return 0;
        }

        var member = element.GetProperty(name);
        return TryWhole(TextOf(member, $"{place}.{name}"), out var number) && number >= minimum && number <= maximum
            ? number
            : throw Wrong($"{place}.{name}", $"a whole number from {minimum} to {maximum}", member);
    }

    private static bool TryWhole(string text, out decimal number)
    {
        const NumberStyles Styles = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        if (!decimal.TryParse(text, Styles, CultureInfo.InvariantCulture, out number) || number != decimal.Truncate(number))
        {
            return false;
        }

        number = decimal.Truncate(number);
        return true;
    }

    private static string TextOf(JsonElement value, string place)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                try
                {
                    return value.GetString()!;
                }
                catch (InvalidOperationException e)
                {
                    throw new ContractFormatException($"{place}: not valid Unicode", e);
                }

            case JsonValueKind.Number:
                return value.GetRawText();
            case JsonValueKind.True:
                return "true";
            case JsonValueKind.False:
                return "false";
            default:
                throw Wrong(place, "a text", value);
        }
    }

    private static ContractFormatException Wrong(string place, string expected, JsonElement value)
    {
        var found = value.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "a list",
            JsonValueKind.Null => "null",
            JsonValueKind.String => "a text",
            _ => value.GetRawText(),
        };
        return new ContractFormatException($"{place}: expected {expected}, found {found}");
    }
}
